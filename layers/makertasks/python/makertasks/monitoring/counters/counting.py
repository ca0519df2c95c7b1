"""Counting what the tasks table's stream tells: each change once, into the cell of its hour."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, cast

from makertasks import clock, settings, wire
from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import doubts, rolling_up, samples, seen_events
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.records import table as records
from makertasks.records.states import Status


@dataclass
class Change:
    """What one stream record changes in the counts of its hour."""

    event: str
    hour: str
    name: str
    counts: dict[str, int]
    retried: int = 0
    runtime: float | None = None
    waited: float | None = None  # seconds, of a first attempt that starts
    shard: int = 0
    moment: int = 0  # epoch seconds, of the stream; 0 where it does not say
    expired: bool = False


def change_of(
    event: str, old: dict[str, Any] | None, new: dict[str, Any] | None, moment: int = 0, *, expired: bool = False
) -> Change | None:
    """What a task's change means for the counts; None for items that are no task and for changes within a status.

    `old` and `new` are the record's images as plain values, `moment` is when the change happened, in epoch seconds;
    `expired` says that DynamoDB removed the record by its TTL.
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
    waited = _waited(new or {}) if (before, after) == (Status.PENDING, Status.STARTED) else None
    return Change(
        event, image["created"][:13], image["name"], counts, int(retried), runtime, waited, _shard_of(image), moment,
        expired=expired,
    )  # fmt: skip


def _waited(image: dict[str, Any]) -> float | None:
    """Return the seconds between a task's submission, or its ETA, and the start of its first attempt."""
    since = max(image["created"], image.get("eta") or "")
    try:
        return max((clock.parse(image["started"]) - clock.parse(since)).total_seconds(), 0.0)
    except (KeyError, ValueError):  # a record that somebody else wrote still counts
        return None


def _shard_of(image: dict[str, Any]) -> int:
    try:
        return records.shard_of(wire.task_id_of(str(image.get("id", ""))))
    except ValueError:
        return 0


def count(changes: list[Change]) -> int:
    """Add a batch's changes, in the stream's order, to the cells of their hours; returns how many cells were written.

    Days that are over follow at once; the others, and those whose tasks expired, in the sweep. Raises Unavailable;
    counting the same batch again then adds only what is missing.
    """
    counters.connect()
    cells: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        cells[counters.places_of(change.name, change.hour, change.shard)[0]].append(change)
    with answering("the counters table did not respond"):
        written = sum(_count_in(period, cell, batch) for (period, cell), batch in cells.items())
    changing = rolling_up.changing_days()
    ended: dict[str, set[str]] = defaultdict(set)
    late = set()
    for change in changes:
        if change.hour[:10] in changing:
            continue
        if change.expired:
            late.add(change.hour[:10])
        else:
            ended[change.hour[:10]].add(change.name)
    rolling_up.note_late(late)
    return written + sum(rolling_up.roll_up(day, names) for day, names in ended.items())


def _count_in(period: str, name: str, batch: list[Change]) -> bool:
    """Add what a cell has not counted yet; another writer in between only makes it read again.

    A change as old as what the cell has forgotten may have been counted before: its hour is counted anew later.
    """
    while True:
        cell = counters.read(period, name)
        remembered = cast("list[bytes]", cell.remembered)  # PynamoDB's types say that its attributes are in the list
        missing = [batch[index] for index in seen_events.unseen(remembered, [change.event for change in batch])]
        if not missing:
            return False
        if any(0 < change.moment <= (cell.forgotten or 0) for change in missing):
            doubts.note({(change.hour, change.name) for change in missing})
        _add(cell, missing)
        latest = max(change.moment for change in missing)
        kept, gone = seen_events.remember(remembered, [change.event for change in missing], batches(), latest)
        cell.remembered = cast("Any", kept)
        cell.forgotten = max([cell.forgotten or 0, *(seen_events.moment_of(each, latest) for each in gone)]) or None
        try:
            with answering("the counters table could not be written"):
                cell.save()
        except ConditionFailed:
            continue
        return True


def batches() -> int:
    """How many batches a cell remembers: the table's stream has about four shards for each of the keys' own."""
    return max(seen_events.BATCHES, 4 * settings.key_shards())


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
        if change.waited is not None:
            cell.waits = (cell.waits or 0) + 1
            cell.wait_sum = round((cell.wait_sum or 0) + change.waited, 3)
            cell.longest_wait = max(cell.longest_wait or 0, round(change.waited, 3))
        if change.runtime is not None:
            bucket = str(counters.runtime_bucket(change.runtime))
            cell.samples = samples.added(cell.samples, sum(runtimes.values()), change.runtime)
            if cell.longest is not None or not runtimes:
                cell.longest = max(cell.longest or 0, change.runtime)
            runtimes[bucket] += 1
            cell.runtime_sum += change.runtime
            if change.counts.get(Status.FAILURE):
                failed = cell.failed_runtimes or {}
                cell.failed_runtimes = {**failed, bucket: failed.get(bucket, 0) + 1}
                cell.failed_sum = (cell.failed_sum or 0) + change.runtime
    cell.counts = {status: tasks for status, tasks in counts.items() if tasks}
    cell.runtimes = dict(runtimes)
    cell.removed = dict(removed) or None
