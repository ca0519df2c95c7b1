"""Formats of numbers, times and JSON on pages. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from api.names import short_name

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# As in Django admin's list, which cuts arguments off at 50 characters.
SUMMARY_CHARACTERS = 50
SECONDS_OF = (("d", 86_400), ("h", 3_600), ("min", 60))


def sentence(text: str) -> str:
    """Return an error as a sentence; a field's name before a colon keeps its case.

    >>> sentence("there is no task 7"), sentence("limit: must be at most 100")
    ('There is no task 7.', 'limit: must be at most 100.')
    """
    begun = text if re.match(r"[\w.\[\]]+:", text) else text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "?", "!")) else f"{begun}."


def brief_url(text: str) -> str:
    """Return a URL without its query, which may be long; other text unchanged.

    >>> brief_url("https://shop.example/a.png?signature=1f2e"), brief_url("What? This.")
    ('https://shop.example/a.png?…', 'What? This.')
    """
    address, mark, _ = text.partition("?")
    return f"{address}?…" if mark and address.startswith(("http://", "https://")) else text


def worker_of(worker: str | None, name: str) -> str:
    """Return a worker as the task list shows it: without the function's name if that is the task's.

    >>> worker_of("generate_qr_code@1f2e3d4c", "inventory.tasks.generate_qr_code")
    '@1f2e3d4c'
    """
    return (worker or "").removeprefix(short_name(name)) if worker else ""


def duration(seconds: float | None) -> str:
    """Return a duration in at most two units; empty if there is none.

    >>> duration(0.0421), duration(3.14159), duration(125), duration(90_000)
    ('42 ms', '3.1 s', '2 min 5 s', '1 d 1 h')
    """
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two digits are enough
    left = round(seconds)
    parts = []
    for unit, length in SECONDS_OF:
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}")
    if left:
        parts.append(f"{left} s")
    return " ".join(parts[:2])


def about(runtime: Mapping[str, Any]) -> str:
    """Return the sign for percentiles that are estimates; empty for exact ones.

    >>> about({"exact": False}), about({"exact": True})
    ('≈\u202f', '')
    """
    return "" if runtime["exact"] else "≈\u202f"


def milliseconds(value: float) -> str:
    """Return a duration given in milliseconds.

    >>> milliseconds(300), milliseconds(2000)
    ('300 ms', '2.0 s')
    """
    return duration(value / 1000)


def number(value: float) -> str:
    """Return a count with thousands separators.

    >>> number(1234567)
    '1,234,567'
    """
    return f"{value:,}"


def size(count: int) -> str:
    """Return a size in B, KB or MB.

    >>> size(512), size(20_480)
    ('512 B', '20 KB')
    """
    for unit in ("B", "KB", "MB"):
        if count < 1024:  # noqa: PLR2004 - bytes of a kilobyte
            return f"{count} {unit}"
        count //= 1024
    return f"{count} GB"


def compact(value: Any) -> str:
    """Return JSON in one line, text unchanged."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pretty(value: Any) -> str:
    """Return indented JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def arguments(
    args: Sequence[Any] | None, kwargs: Mapping[str, Any], limit: int = SUMMARY_CHARACTERS, without: Any = None
) -> str:
    """Return a task's arguments in one line of at most `limit` characters, except those whose value is `without`.

    >>> arguments([], {"item_id": "94cb6421", "image_url": "http://example.org/a.png"}, 40)
    'item_id=94cb6421, image_url=http://exam…'
    >>> arguments([], {"item_id": "94cb6421", "blank": True}, without="94cb6421")
    'blank=true'
    >>> arguments([], {"item_ids": ["94cb6421-7fa1-4dab-802f-ec76eba2bfe7"] * 2})
    '2 items'
    """
    parts = [compact(value) for value in args or []]
    parts += [_named(name, value) for name, value in kwargs.items() if without is None or value != without]
    return cut(", ".join(parts), limit)


def _named(name: str, value: Any) -> str:
    """Return an argument in one line, and a list of ids as their number."""
    if isinstance(value, list) and value and all(isinstance(each, str) and UUID.fullmatch(each) for each in value):
        things = name.removesuffix("_ids") if name.endswith("_ids") else "id"
        return f"{len(value):,} {things}{'' if len(value) == 1 else 's'}"
    return f"{name}={compact(value)}"


def cut(text: str, limit: int) -> str:
    """Return text in one line of at most `limit` characters, with an ellipsis if it was cut."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
