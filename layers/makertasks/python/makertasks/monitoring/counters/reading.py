"""Current counts: days and totals, including hours that are not rolled up yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from makertasks.monitoring import snapshot
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import rolling_up
from makertasks.monitoring.counters.cells import CounterCell

# {task name: {status: tasks}}
Names = dict[str, dict[str, int]]


@dataclass
class HourCounts:
    """The counts of one hour. Its version grows with each change of them."""

    hour: str
    names: Names = field(default_factory=dict)
    version: int = 0

    def tasks(self, name: str | None = None, status: str | None = None) -> int:
        """Return the number of its tasks, of all names or of one, with any status or with one."""
        counts = self.names.values() if name is None else [self.names.get(name, {})]
        return sum(sum(count.values()) if status is None else count.get(status, 0) for count in counts)


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
            hour.version += int(cell.version or 0)
        counted = (found[hour] for hour in sorted(found, reverse=not oldest_first) if oldest <= hour <= newest)
        yield from (hour for hour in counted if holds(hour.names))


def days(month: str) -> dict[str, Names]:
    """Return the counts of a month: {day: {task name: {status: tasks}}}; raises Unavailable."""
    return _by_day(day_cells(month))


def _by_day(cells: Iterable[CounterCell]) -> dict[str, Names]:
    """Return the counts of cells of days."""
    found: dict[str, Names] = defaultdict(dict)
    for cell in cells:
        found[f"{cell.period}-{cell.cell[:2]}"][cell.name] = cell.counts
    return dict(found)


def _days(newest: str, oldest: str, holds: Callable[[Names], bool], *, oldest_first: bool) -> Iterator[str]:
    """Yield days to look into; of those that are not rolled up yet, only their hours know."""
    last = [day for day in rolling_up.open_days() if oldest <= day <= newest]
    if not oldest_first:
        yield from last
    if oldest not in last:
        yield from _rolled_up_days(newest, oldest, holds, oldest_first=oldest_first)
    if oldest_first:
        yield from reversed(last)


def _rolled_up_days(newest: str, oldest: str, holds: Callable[[Names], bool], *, oldest_first: bool) -> Iterator[str]:
    last = rolling_up.open_days()
    for month in sorted(_noted_months(), reverse=not oldest_first):
        if oldest[:7] <= month <= newest[:7]:
            counted = _by_day(counters.cells(month))
            yield from (
                day
                for day in sorted(counted, reverse=not oldest_first)
                if oldest <= day <= newest and day not in last and holds(counted[day])
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
    noted = _noted_months()
    fresh = {day[:7] for day in rolling_up.open_days() if day[:7] not in noted and counters.cells(day)}
    return sorted(noted | fresh, reverse=True)


def _noted_months() -> set[str]:
    return {str(cell.cell) for cell in counters.cells("months")}


def totals() -> list[CounterCell]:
    """Return the current totals, a cell for each task name; raises Unavailable."""
    return snapshot.once(("totals",), _totals)


def _totals() -> list[CounterCell]:
    last = rolling_up.open_days()
    while True:
        found = {cell.name: cell for cell in counters.cells("totals", consistent=True)}
        versions = {name: cell.version for name, cell in found.items()}
        gained: dict[str, list[tuple[CounterCell, int]]] = defaultdict(list)
        for month in {day[:7] for day in last}:
            within = [day[8:] for day in last if day[:7] == month]
            for cell in counters.days(month, min(within), max(within)):
                gained[cell.name].append((cell, -1))
        for day in last:
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
