"""The counters table: tasks counted by hour and by day of their creation, by name and by status.

    period (partition)   cell (sort)          counts of
    2026-11-22           09#{task name}       the tasks of that name created in that hour
    2026-11              22#{task name}       the tasks of that name created on that day
    months               2026-11              (that there are days in that month)
    totals               #{task name}         all tasks of that name

Fed by the tasks table's stream alone. A cell adds differences, so the order of changes does not matter; and it notes
each change that it has counted (`seen_events`), so one that comes again counts once. The cells also say where tasks
are: listings ask them which hours are worth a query.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from pynamodb.attributes import BinaryAttribute, ListAttribute, NumberAttribute, UnicodeAttribute, VersionAttribute

from makertasks import settings
from makertasks.aws.dynamodb import ConditionFailed, JSONMap, Missing, Table, answering
from makertasks.monitoring.counters import seen_events
from makertasks.records.states import Status


class CounterCell(Table):
    """Counts of one task name in one hour or day."""

    period = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    counts = JSONMap(default=dict)  # {status: tasks}
    removed = JSONMap(null=True)  # {status: tasks that were removed since}: with `counts`, all there ever were
    retried = NumberAttribute(default=0)  # attempts that ended in RETRY
    runtimes = JSONMap(default=dict)  # {bucket: ended attempts}, see runtime_bucket()
    runtime_sum = NumberAttribute(default=0)  # seconds
    failed_runtimes = JSONMap(null=True)  # of those that ended in FAILURE, as `runtimes`
    failed_sum = NumberAttribute(null=True)  # seconds
    remembered = ListAttribute(of=BinaryAttribute, default=list)  # see seen_events
    version = VersionAttribute()

    @property
    def name(self) -> str:
        """The task's name."""
        return self.cell.partition("#")[2]

    @property
    def hour(self) -> str:
        """`2026-11-22T09` of an hour's cell."""
        return f"{self.period}T{self.cell[:2]}"


@dataclass
class Change:
    """What one stream record changes in the counts of its hour."""

    event: str
    hour: str
    name: str
    counts: dict[str, int]
    retried: int = 0
    runtime: float | None = None


# {task name: {status: tasks}}
Names = dict[str, dict[str, int]]


@dataclass
class HourCounts:
    """Everything counted in one hour."""

    hour: str
    names: Names = field(default_factory=dict)


def connect() -> None:
    """Bind the model to the table that the environment names."""
    CounterCell.bind(settings.counters_table())


# Upper limits of buckets within a decade. Among them are those of Flower's and Prometheus' histograms.
STEPS = (1.0, 1.4, 2.0, 2.5, 3.5, 5.0, 7.5)


def runtime_bucket(seconds: float) -> int:
    """Number of the bucket of a runtime: the first whose limit it does not exceed, so within half of itself."""
    decade = max(0, math.floor(math.log10(max(seconds, 0.001) * 1000)) - 1)
    bucket = len(STEPS) * decade
    while bucket_limit(bucket) < seconds:
        bucket += 1
    return bucket


def bucket_limit(bucket: int) -> float:
    """Upper limit of a bucket in seconds: 1, 1.4, 2, 2.5, 3.5, 5, 7.5, 10, 14 ... milliseconds."""
    decade, step = divmod(bucket, len(STEPS))
    return round(STEPS[step] * 10.0**decade / 1000, 12)


def change_of(event: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Change | None:
    """What a task's change means for the counts; None for items that are no task and for changes within a status.

    `old` and `new` are the record's images as plain values.
    """
    image = new or old or {}
    if "name" not in image or "created" not in image:
        return None
    before, after = (old or {}).get("status"), (new or {}).get("status")
    if before == after:
        return None
    counts: dict[str, int] = {}
    if before:
        counts[before] = -1
    if after:
        counts[after] = 1
    runtime = (new or {}).get("runtime") if after in {Status.SUCCESS, Status.FAILURE} and before else None
    # A task that goes on in a next invocation waits as RETRY, too, but no attempt has ended.
    retried = after == Status.RETRY and (new or {}).get("attempts") != (old or {}).get("attempts")
    return Change(event, image["created"][:13], image["name"], counts, int(retried), runtime)


def count(changes: list[Change]) -> int:
    """Add a batch's changes, in the stream's order, to their cells; answers how many cells were written.

    Raises Unavailable; counting the same batch again then adds only what is missing.
    """
    connect()
    cells: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        for place in places_of(change.name, change.hour):
            cells[place].append(change)
    with answering("the counters table did not answer"):
        return sum(_count_in(period, cell, batch) for (period, cell), batch in cells.items())


def _count_in(period: str, name: str, batch: list[Change]) -> bool:
    """Add what a cell has not counted yet; another writer in between only makes it read again."""
    while True:
        cell = read(period, name)
        remembered = cast("list[bytes]", cell.remembered)  # PynamoDB's types say that its attributes are in the list
        missing = [batch[place] for place in seen_events.unseen(remembered, [change.event for change in batch])]
        if not missing:
            return False
        _add(cell, missing)
        cell.remembered = cast("Any", seen_events.remember(remembered, [change.event for change in missing]))
        try:
            with answering("the counters table did not take a write"):
                cell.save()
        except ConditionFailed:
            continue
        note_month(cell)
        return True


def places_of(name: str, created: str) -> list[tuple[str, str]]:
    """The cells that count a task: of its hour, of its day, and of all time."""
    return [
        (created[:10], f"{created[11:13]}#{name}"),
        (created[:7], f"{created[8:10]}#{name}"),
        ("totals", f"#{name}"),
    ]


def note_month(cell: CounterCell) -> None:
    """Note that a month has days, where `cell` is the first of one."""
    if cell.version == 1 and len(cell.period) == len("2026-11"):
        CounterCell("months", cell.period).save(add_version_condition=False)


def read(period: str, name: str) -> CounterCell:
    """One cell, a new one where nothing is counted there yet; raises Unavailable."""
    try:
        with answering("the counters table did not answer"):
            return CounterCell.get(period, name, consistent_read=True)
    except Missing:
        return CounterCell(period, name)


def _add(cell: CounterCell, changes: list[Change]) -> None:
    counts: dict[str, int] = defaultdict(int, cell.counts)
    runtimes: dict[str, int] = defaultdict(int, cell.runtimes)
    removed: dict[str, int] = defaultdict(int, cell.removed or {})
    for change in changes:
        for status, difference in change.counts.items():
            counts[status] += difference
            if len(change.counts) == 1 and difference < 0:
                removed[status] += 1
        cell.retried += change.retried
        if change.runtime is not None:
            bucket = str(runtime_bucket(change.runtime))
            runtimes[bucket] += 1
            cell.runtime_sum += change.runtime
            if change.counts.get(Status.FAILURE):
                failed = cell.failed_runtimes or {}
                cell.failed_runtimes = {**failed, bucket: failed.get(bucket, 0) + 1}
                cell.failed_sum = (cell.failed_sum or 0) + change.runtime
    cell.counts = {status: tasks for status, tasks in counts.items() if tasks}
    cell.runtimes = dict(runtimes)
    cell.removed = dict(removed) or None


def hours(newest: str, oldest: str, holds: Callable[[Names], bool] = bool) -> Iterator[HourCounts]:
    """Hours that hold tasks, newest first, between two hours (`2026-11-22T09`); raises Unavailable.

    `holds` says of the counts of a day or of an hour, {task name: {status: tasks}}, whether they are of interest.
    """
    for day in _days(newest[:10], oldest[:10], holds):
        found: dict[str, HourCounts] = {}
        for cell in cells(day):
            hour = found.setdefault(cell.hour, HourCounts(cell.hour))
            hour.names[cell.name] = cell.counts
        counted = (found[hour] for hour in sorted(found, reverse=True) if oldest <= hour <= newest)
        yield from (hour for hour in counted if holds(hour.names))


def days(month: str) -> dict[str, dict[str, dict[str, int]]]:
    """Counts of one month: {day: {task name: {status: tasks}}}; raises Unavailable."""
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    for cell in cells(month):
        found[f"{month}-{cell.cell[:2]}"][cell.name] = cell.counts
    return dict(found)


def months() -> list[str]:
    """Months that hold tasks, newest first; raises Unavailable."""
    return sorted((cell.cell for cell in cells("months")), reverse=True)


def totals() -> list[CounterCell]:
    """One cell for each task name, of all its tasks; raises Unavailable."""
    return cells("totals")


def _days(newest: str, oldest: str, holds: Callable[[Names], bool]) -> Iterator[str]:
    for month in months():
        if oldest[:7] <= month <= newest[:7]:
            counted = days(month)
            yield from (day for day in sorted(counted, reverse=True) if oldest <= day <= newest and holds(counted[day]))


def cells(period: str) -> list[CounterCell]:
    """Every cell of a day (`2026-11-22`: its hours) or of a month (`2026-11`: its days); raises Unavailable."""
    connect()
    with answering("the counters table did not answer"):
        return list(CounterCell.query(period))
