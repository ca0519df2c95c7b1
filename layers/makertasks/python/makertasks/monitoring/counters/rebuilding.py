"""Rebuild the counters from the tasks table: differences are shown, and repaired for cells without recent writes.

This reads the whole tasks table (a scan, half a read unit per 4 KB) and is for people, not for functions. The counters
lag slightly behind the table, so a cell whose tasks have changed in the last minutes, or that changes during the scan,
cannot be compared: it is reported as moving and not changed. Without traffic the recount is exact.

Only the numbers of tasks by status are recounted. Retries and runtimes include deleted records, so they are kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from makertasks import clock
from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import reading, rolling_up
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

# Maximum lag of the counters in seconds, including Lambda's own retries, but not a broken function.
BEHIND_SECONDS = 900.0
PAGE = 1000

Place = tuple[str, str]  # a cell's period and name


@dataclass(frozen=True)
class Difference:
    """A cell that differs from the table: {status: tasks} as counted, and as found."""

    period: str
    cell: str
    counted: dict[str, int]
    found: dict[str, int]


@dataclass
class Rebuilt:
    """The outcome of a recount."""

    examined: int = 0  # tasks
    differences: list[Difference] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)  # cells that could not be compared, as "period cell"
    repaired: int = 0


@dataclass
class _Found:
    """A cell's counts according to the tasks table."""

    counts: Counter[str] = field(default_factory=Counter)
    newest: float = 0.0  # the last write of one of its tasks, epoch seconds


def rebuild(*, repair: bool = True, behind: float = BEHIND_SECONDS) -> Rebuilt:
    """Count every task and compare; `repair` writes the counts into cells that differ. Raises Unavailable."""
    counters.connect()
    for day in {*rolling_up.open_days(), *rolling_up.late_days()}:
        rolling_up.roll_up(day)
    counted = {(str(cell.period), str(cell.cell)): cell for cell in _cells()}
    quiet_since = clock.now().timestamp() - behind
    answer = Rebuilt()
    found = _scan(answer)
    for place in sorted({*counted, *found}):
        cell, told = counted.get(place), found.get(place, _Found())
        before = {status: int(tasks) for status, tasks in cell.counts.items()} if cell else {}
        if before == dict(told.counts):
            continue
        if told.newest > quiet_since or _version(place) != (int(cell.version) if cell else None):
            answer.moving.append(" ".join(place))
            continue
        answer.differences.append(Difference(*place, before, dict(told.counts)))
        if repair and _repair(place, cell, told):
            answer.repaired += 1
    return answer


def _cells() -> Iterator[CounterCell]:
    """Return every cell."""
    yield from counters.cells("totals")
    for month in reading.months():
        days = counters.cells(month)
        yield from days
        for day in sorted({f"{month}-{cell.cell[:2]}" for cell in days}):
            yield from counters.cells(day)


def _scan(answer: Rebuilt) -> dict[Place, _Found]:
    """Count every task of the table into its cells."""
    records.connect()
    found: dict[Place, _Found] = defaultdict(_Found)
    wanted = ["id", "name", "created", "status", "timestamp"]
    with answering("the tasks table did not respond"):
        for record in TaskRecord.scan(
            TaskRecord.name_key.exists(), attributes_to_get=wanted, consistent_read=True, page_size=PAGE
        ):
            answer.examined += 1
            shard = records.shard_of(record.task_id)
            for place in counters.places_of(record.name, record.created, shard):
                told = found[place]
                told.counts[record.status] += 1
                told.newest = max(told.newest, float(record.timestamp))
    return found


def _version(place: Place) -> int | None:
    """Return a cell's current version; a changed one means that something was counted meanwhile."""
    cell = counters.read(*place)
    return None if cell.version is None else int(cell.version)


def _repair(place: Place, cell: CounterCell | None, told: _Found) -> bool:
    """Write the counts, unless the cell changes at the same moment."""
    right = cell or CounterCell(*place)
    right.counts = dict(told.counts)
    try:
        with answering("the counters table could not be written"):
            right.save()
    except ConditionFailed:
        return False
    if right.version == 1 and len(place[0]) == len("2026-11"):
        rolling_up.note_month(place[0])
    return True
