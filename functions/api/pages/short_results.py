"""Summarizes a task's result in one line, for the task list."""

from __future__ import annotations

import re
from typing import Any

from api import names
from api.pages import formats, results, verdicts
from makertasks.monitoring import views as task_views

CHARACTERS = 90  # maximum length, also of an error
# Values that the summary leaves out.
OMITTED = {"thumbnail", "warnings", "more_warnings", "changed"}
# Names of counts whose singular is the name without its s, such as `cards` but not `status` or `matches`.
_PLURAL = re.compile(r"(?!.*(i|ch|sh|s|x|z)es\Z)[a-z]+[a-hj-rtv-z]s")


def in_short(result: Any) -> str:
    """Return a result in one line of words.

    Files have their name, or only their type if the name is an id; other values have labels or units.

    >>> in_short({"image": "inventory/images/A-1.jpg", "width": 800, "height": 600, "bytes": 35826, "changed": True})
    'image A-1.jpg, 800 × 600, 34 KB'
    >>> in_short({"index_card": "index_cards/card_94cb6421-7fa1-4dab-802f-ec76eba2bfe7.pdf", "bytes": 22000})
    'index card (PDF), 21 KB'
    >>> in_short({"qr_code": "inventory/qrcodes/qr_94cb6421-7fa1-4dab-802f-ec76eba2bfe7.png"})
    'QR code (PNG)'
    >>> in_short({"image": "inventory/images/A-1.jpg", "thumbnail": "CACHE/A-1.jpg"}), in_short({"changed": False})
    ('image A-1.jpg', 'Nothing changed')
    >>> in_short({"links": 12, "skipped": {}}), in_short(None)
    ('12 links', '')
    >>> in_short({"cards": 1, "pages": 1200, "status": 200, "matches": 1, "test_page": True, "rate": 0.5})
    '1 card, 1,200 pages, status 200, matches 1, test page yes, rate 0.5'
    >>> in_short({"cards": 3, "warnings": ["no image"], "more_warnings": 0}), in_short({"cards": 3, "more_warnings": 0})
    ('3 cards, 1 warning', '3 cards')
    """
    if isinstance(result, dict):
        if verdicts.nothing_changed(result):
            return "Nothing changed"
        parts = [part for name, value in _measured(result) if name not in OMITTED and (part := _part(name, value))]
        if count := results.warnings(result).count:
            parts.append(_counted("warnings", count))
        return formats.cut(", ".join(parts), CHARACTERS)
    return "" if result is None else formats.cut(formats.compact(result), CHARACTERS)


def _measured(result: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return a result's values, with width and height combined if it has both."""
    width, height = result.get("width"), result.get("height")
    if not (_is_count(width) and _is_count(height)):
        return list(result.items())
    size = ("", f"{width} × {height}")
    return [size if name == "width" else (name, value) for name, value in result.items() if name != "height"]


def _part(name: str, value: Any) -> str:
    if _is_count(value) and name == "bytes":
        return formats.size(value)
    if _is_count(value) and _PLURAL.fullmatch(name):
        return _counted(name, value)
    text = _text(value)
    return f"{names.label(name)} {text}".strip() if text else ""


def _counted(name: str, count: int) -> str:
    return f"{count:,} {name.removesuffix('s') if count == 1 else name}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and task_views.is_made(value):
        name = value.rpartition("/")[2]
        return f"({name.rpartition('.')[2].upper()})" if formats.UUID.search(name) else name
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else ""
