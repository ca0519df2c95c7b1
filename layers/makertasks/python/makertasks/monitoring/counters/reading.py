"""Current counts: days and totals, including hours that are not rolled up yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import rolling_up
from makertasks.monitoring.counters.cells import CounterCell

# {task name: {status: tasks}}
Names = dict[str, dict[str, int]]


@dataclass
class HourCounts:
    """Return the counts of one hour."""

    hour: str
    names: Names = field(default_factory=dict)


def hours(
    newest: str, oldest: str, holds: Callable[[Names], bool] = bool, *, oldest_first: bool = False
) -> Iterator[HourCounts]:
    """Yield hours that have tasks, newest or oldest first, between two hours (`2026-11-22T09`); raises Unavailable.

    `holds` says of the counts of a day or of an hour, {task name: {status: tasks}}, whether they are of interest.
    """
    for day in _days(newest[:10], oldest[:10], holds, oldest_first=oldest_first):
        found: dict[str, HourCounts] = {}
        for cell in counters.cells(day):
            hour = found.setdefault(cell.hour, HourCounts(cell.hour))
            counts = hour.names.setdefault(cell.name, {})
            for status, tasks in cell.counts.items():
                counts[status] = counts.get(status, 0) + tasks
        counted = (found[hour] for hour in sorted(found, reverse=not oldest_first) if oldest <= hour <= newest)
        yield from (hour for hour in counted if holds(hour.names))


def days(month: str) -> dict[str, dict[str, dict[str, int]]]:
    """Return the counts of a month: {day: {task name: {status: tasks}}}; raises Unavailable."""
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    for cell in day_cells(month):
        found[f"{month}-{cell.cell[:2]}"][cell.name] = cell.counts
    return dict(found)


def _days(newest: str, oldest: str, holds: Callable[[Names], bool], *, oldest_first: bool) -> Iterator[str]:
    for month in sorted(months(), reverse=not oldest_first):
        if oldest[:7] <= month <= newest[:7]:
            counted = days(month)
            yield from (
                day
                for day in sorted(counted, reverse=not oldest_first)
                if oldest <= day <= newest and holds(counted[day])
            )


def day_cells(month: str) -> list[CounterCell]:
    """Return the current cells of a month (`2026-11`), one for each day and name; raises Unavailable."""
    found = {str(cell.cell): cell for cell in counters.cells(month)}
    for day in rolling_up.open_days():
        if day[:7] == month:
            found.update({str(cell.cell): cell for cell in rolling_up.sums(day).values()})
    return [found[cell] for cell in sorted(found)]


def months() -> list[str]:
    """Return months that have tasks, newest first; raises Unavailable."""
    noted = {str(cell.cell) for cell in counters.cells("months")}
    fresh = {day[:7] for day in rolling_up.open_days() if day[:7] not in noted and counters.cells(day)}
    return sorted(noted | fresh, reverse=True)


def totals() -> list[CounterCell]:
    """Return the current totals, a cell for each task name; raises Unavailable."""
    while True:
        found = {cell.name: cell for cell in counters.cells("totals", consistent=True)}
        versions = {name: cell.version for name, cell in found.items()}
        gained: dict[str, list[tuple[CounterCell, int]]] = defaultdict(list)
        for day in rolling_up.open_days():
            for cell in counters.cells(day[:7], day[8:10], consistent=True):
                gained[cell.name].append((cell, -1))
            for name, cell in rolling_up.sums(day).items():
                gained[name].append((cell, 1))
        # A day that is rolled up during this read would be counted twice or not at all.
        if versions == {cell.name: cell.version for cell in counters.cells("totals", consistent=True)}:
            break
    for name, parts in gained.items():
        total = found.setdefault(name, CounterCell("totals", f"#{name}"))
        for part, sign in parts:
            total.add(part, sign)
    return [found[name] for name in sorted(found)]
