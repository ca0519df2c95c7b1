"""A task's result in parts: the files that it names, its warnings and its figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api import names
from api.pages import formats
from makertasks.aws import bucket
from makertasks.monitoring import views as task_views

# Maximum number of warnings on a page; the JSON has all of them.
MOST_WARNINGS = 20


@dataclass(frozen=True)
class Made:
    """A file that the task wrote, with a link that is valid for 15 minutes."""

    label: str
    key: str
    link: str

    @property
    def is_picture(self) -> bool:
        """Whether the file is a picture; otherwise it is a PDF."""
        return not self.key.endswith(".pdf")


@dataclass(frozen=True)
class Warned:
    """One warning, with the item's id if the result has it."""

    text: str
    item_id: str = ""


@dataclass(frozen=True)
class Warnings:
    """The first warnings, and the number of all warnings."""

    shown: list[Warned]
    count: int


def made(result: Any) -> list[Made]:
    """Return the files that a result names, alone or in lists."""
    found = []
    for name, value in _entries(result):
        keys = value if isinstance(value, list) else [value]
        found += [Made(names.label(name), key, bucket.link(key)) for key in keys if _is_file(key)]
    return found


def warnings(result: Any) -> Warnings:
    """Return a result's warnings.

    >>> warnings({"warnings": ["no image", {"item_id": "a", "warning": "cut"}], "more_warnings": 3}).count
    5
    """
    given = dict(_entries(result))
    listed = given.get("warnings") if isinstance(given.get("warnings"), list) else []
    more = given.get("more_warnings")
    found = [_warned(each) for each in listed or []]
    return Warnings(found[:MOST_WARNINGS], len(found) + (more if isinstance(more, int) else 0))


def figures(result: Any) -> list[tuple[str, Any]]:
    """Return the numbers, texts and yes-or-no values of a result that are neither files nor warnings.

    >>> figures({"cards": 3, "warnings": [], "more_warnings": 0, "name": "a", "none": None, "deep": {}})
    [('cards', 3), ('name', 'a')]
    """
    return [
        (name, value)
        for name, value in _entries(result)
        if isinstance(value, str | int | float) and name != "more_warnings" and not _is_file(value)
    ]


def _warned(each: Any) -> Warned:
    if isinstance(each, dict) and "warning" in each:
        return Warned(str(each["warning"]), str(each.get("item_id", "")))
    return Warned(each if isinstance(each, str) else formats.compact(each))


def _entries(result: Any) -> list[tuple[str, Any]]:
    return list(result.items()) if isinstance(result, dict) else []


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and task_views.is_made(value)
