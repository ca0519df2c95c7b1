"""Number of tasks per filter of the list, from the counters, which lag a moment behind the tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from api.pages.calendar import Period
from makertasks.monitoring.counters import reading

Names = Mapping[str, Mapping[str, int]]  # {task name: {status: tasks}}
Days = Callable[[str], Mapping[str, Names]]  # month -> {day: names}
# Filters that the counters do not support.
UNCOUNTED = ("q", "item_id", "worker", "scheduled")
# Ranges of more months are not counted, because each month costs a query.
MAXIMUM_MONTHS = 13


@dataclass(frozen=True)
class Counts:
    """Tasks by status (of the chosen name), by name (of the chosen status), matching both, and by quick date filter."""

    total: int
    statuses: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)


def read(filters: Mapping[str, str], quick: Iterable[Period]) -> tuple[Counts | None, list[Period]]:
    """Return the counts for a list's filters, None if unknown, and the date filters with counts; raises Unavailable."""
    if any(filters.get(name) for name in UNCOUNTED):
        return None, list(quick)
    months, days = reading.months(), cache(reading.days)
    status, name = filters.get("status", ""), filters.get("name", "")

    def within(begin: str, end: str) -> Counts | None:
        found = _within(begin, end, months, days)
        return None if found is None else summed(found, status, name)

    counted = [
        replace(period, count=found.total) if (found := within(period.created_from, period.created_to)) else period
        for period in quick
    ]
    return within(filters.get("created_from", ""), filters.get("created_to", "")), counted


def summed(found: Iterable[Names], status: str = "", name: str = "") -> Counts:
    """Add up the counts of some periods.

    >>> summed([{"a": {"SUCCESS": 3}}, {"a": {"FAILURE": 1}, "b": {"SUCCESS": 5}}], "SUCCESS", "a")
    Counts(total=3, statuses={'SUCCESS': 3, 'FAILURE': 1}, names={'a': 3, 'b': 5})
    """
    statuses: Counter[str] = Counter()
    names: Counter[str] = Counter()
    total = 0
    for each in found:
        for task, by_status in each.items():
            for reached, count in by_status.items():
                statuses[reached] += count if name in {"", task} else 0
                names[task] += count if status in {"", reached} else 0
                total += count if name in {"", task} and status in {"", reached} else 0
    return Counts(total, dict(statuses), dict(names))


def _within(begin: str, end: str, months: list[str], days: Days) -> Iterable[Names] | None:
    """Return the counts between two times if these are whole days or one whole hour, otherwise None."""
    if not begin and not end:
        return _everything()
    if len(begin) == len(end) == len("2026-11-22"):
        inside = [month for month in months if begin[:7] <= month <= end[:7]]
        if inside and begin <= f"{months[-1]}-01" and end >= f"{months[0]}-31":
            return _everything()
        if len(inside) > MAXIMUM_MONTHS:
            return None
        return [names for month in inside for day, names in days(month).items() if begin <= day <= end]
    hour = begin[:13]
    if begin == f"{hour}:00:00Z" and end == f"{hour}:59:59.999999Z":
        return [each.names for each in reading.hours(hour, hour)]
    return None


def _everything() -> list[Names]:
    return [{cell.name: cell.counts} for cell in reading.totals()]
