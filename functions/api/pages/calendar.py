"""The list's drill-down: years, months, days and hours that have tasks, with their URLs. Times are UTC."""

from __future__ import annotations

import re
from calendar import month_name, monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from makertasks.monitoring.counters import reading

Counts = Mapping[str, Mapping[str, int]]  # {task name: {status: tasks}}


@dataclass(frozen=True)
class Period:
    """A period with its times as in the list's URL, and optionally its number of tasks."""

    label: str
    created_from: str = ""
    created_to: str = ""
    count: int | None = None


EVERYTHING = Period("All dates")


@dataclass(frozen=True)
class Calendar:
    """A list's position in the drill-down: the periods that contain it, from all dates down, and those within it."""

    path: list[Period]
    within: list[Period]


def year(number: str) -> Period:
    """Return a whole year."""
    return Period(number, f"{number}-01-01", f"{number}-12-31")


def month(text: str, count: int | None = None) -> Period:
    """Return the whole month `2026-11`."""
    last = monthrange(int(text[:4]), int(text[5:]))[1]
    return Period(month_name[int(text[5:])], f"{text}-01", f"{text}-{last:02}", count)


def day(text: str, count: int | None = None) -> Period:
    """Return the whole day `2026-11-22`."""
    return Period(text[8:].lstrip("0"), text, text, count)


def hour(text: str, count: int | None = None) -> Period:
    """Return the whole hour `2026-11-22T09`."""
    return Period(f"{text[11:]}:00", f"{text}:00:00Z", f"{text}:59:59.999999Z", count)


def calendar(created_from: str, created_to: str, status: str = "", name: str = "") -> Calendar:
    """Return the position of a list whose tasks were created between two times.

    A range that is not a year, month, day or hour has no periods within it. Raises Unavailable.
    """
    if not created_from and not created_to:
        return _all()
    text = _named(created_from, created_to)
    if len(text) == len("2026"):
        within = [month(each) for each in sorted(reading.months()) if each[:4] == text]
        return Calendar([EVERYTHING, year(text)], within)
    if len(text) == len("2026-11"):
        return _month(text, status, name)
    if len(text) == len("2026-11-22"):
        return _day(text, status, name)
    if text:
        return Calendar([EVERYTHING, year(text[:4]), month(text[:7]), day(text[:10]), hour(text)], [])
    return Calendar([EVERYTHING], [])


def _named(created_from: str, created_to: str) -> str:
    """Return the year, month, day or hour of a range as ISO 8601 text; empty if it is none of them."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:00:00Z)?", created_from):
        return ""
    if "T" in created_from:
        text = created_from[:13]
        return text if hour(text).created_to == created_to else ""
    candidates = (
        year(created_from[:4]) if created_from.endswith("-01-01") else None,
        month(created_from[:7]) if created_from.endswith("-01") and "01" <= created_from[5:7] <= "12" else None,
        day(created_from),
    )
    lengths = zip(candidates, (4, 7, 10), strict=True)
    return next((created_from[:length] for each, length in lengths if each and each.created_to == created_to), "")


def _all() -> Calendar:
    months = sorted(reading.months())
    years = sorted({text[:4] for text in months}, reverse=True)
    if len(years) == 1:
        return Calendar([EVERYTHING, year(years[0])], [month(text) for text in months])
    return Calendar([EVERYTHING], [year(number) for number in years])


def _month(text: str, status: str, name: str) -> Calendar:
    counts = {each: kept(found, status, name) for each, found in reading.days(text).items()}
    days = [day(each, count) for each, count in sorted(counts.items()) if count]
    return Calendar([EVERYTHING, year(text[:4]), month(text)], days)


def _day(text: str, status: str, name: str) -> Calendar:
    counts = {each.hour: kept(each.names, status, name) for each in reading.hours(f"{text}T23", f"{text}T00")}
    hours = [hour(each, count) for each, count in sorted(counts.items()) if count]
    return Calendar([EVERYTHING, year(text[:4]), month(text[:7]), day(text)], hours)


def kept(counts: Counts, status: str = "", name: str = "") -> int:
    """Return the number of counted tasks with this status and name; an empty one matches all.

    >>> kept({"a": {"SUCCESS": 3, "FAILURE": 1}, "b": {"SUCCESS": 5}}, "SUCCESS")
    8
    """
    return sum(
        number
        for task, found in counts.items()
        for each, number in found.items()
        if name in {"", task} and status in {"", each}
    )


def quick(today: str, week_ago: str) -> Iterable[Period]:
    """Return the quick date filters, the same as in Django admin."""
    return (
        Period("Today", today, today),
        Period("Past 7 days", week_ago, today),
        Period("This month", f"{today[:7]}-01", month(today[:7]).created_to),
        Period("This year", f"{today[:4]}-01-01", f"{today[:4]}-12-31"),
    )
