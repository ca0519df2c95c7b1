"""The counters counted anew from the tasks table: what is different is shown, and put right where nothing moves.

This reads the whole tasks table (a scan, half a read unit a 4 KB) and is for people, not for functions. Counting from
the stream runs a moment behind the table, so a cell whose tasks have changed in the last minutes, or that is counted
in while this runs, cannot be judged: it is named as moving and left alone. Without traffic the recount is exact.

Only the tasks by status are counted anew. How many attempts were tried again and how long they ran is history, of which
deleted records show nothing any more: it stays as it was counted.
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

# Longest time, in seconds, that counting may run behind: Lambda's own retries included, a broken function excluded.
BEHIND_SECONDS = 900.0
PAGE = 1000

Place = tuple[str, str]  # a cell's period and name


@dataclass(frozen=True)
class Difference:
    """A cell that counts other than the table says: {status: tasks} as counted, and as found."""

    period: str
    cell: str
    counted: dict[str, int]
    found: dict[str, int]


@dataclass
class Rebuilt:
    """What a recount saw."""

    examined: int = 0  # tasks
    differences: list[Difference] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)  # cells that could not be judged, as "period cell"
    repaired: int = 0


@dataclass
class _Found:
    """What the table says of one cell."""

    counts: Counter[str] = field(default_factory=Counter)
    newest: float = 0.0  # when one of its tasks was written last, epoch seconds


def rebuild(*, repair: bool = True, behind: float = BEHIND_SECONDS) -> Rebuilt:
    """Count every task and compare; `repair` writes what is found into cells that differ. Raises Unavailable."""
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
    """Every cell there is."""
    yield from counters.cells("totals")
    for month in reading.months():
        days = counters.cells(month)
        yield from days
        for day in sorted({f"{month}-{cell.cell[:2]}" for cell in days}):
            yield from counters.cells(day)


def _scan(answer: Rebuilt) -> dict[Place, _Found]:
    """Every task of the table, counted into its cells."""
    records.connect()
    found: dict[Place, _Found] = defaultdict(_Found)
    wanted = ["id", "name", "created", "status", "timestamp"]
    with answering("the tasks table did not answer"):
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
    """A cell's version now: another than before means that something was counted meanwhile."""
    cell = counters.read(*place)
    return None if cell.version is None else int(cell.version)


def _repair(place: Place, cell: CounterCell | None, told: _Found) -> bool:
    """Write what was found, unless something is counted into the cell at this moment."""
    right = cell or CounterCell(*place)
    right.counts = dict(told.counts)
    try:
        with answering("the counters table did not take a write"):
            right.save()
    except ConditionFailed:
        return False
    if right.version == 1 and len(place[0]) == len("2026-11"):
        rolling_up.note_month(place[0])
    return True
