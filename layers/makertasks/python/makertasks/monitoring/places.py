"""Where lists find tasks: positions in the tasks table's indexes, hour by hour, newest or oldest first.

A filter uses the index with the fewest entries to read. Keys of the name and status indexes are bucketed by hour, and
the counters say which hours have matching tasks. The last quarter of an hour is always queried, because the counters
lag slightly; an alarm tells when they lag more.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from pynamodb.indexes import GlobalSecondaryIndex

from makertasks import clock
from makertasks.monitoring import recent, unfinished
from makertasks.monitoring.counters.reading import HourCounts
from makertasks.monitoring.counters.reading import hours as counted_hours
from makertasks.monitoring.recent import Place
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, Status

if TYPE_CHECKING:
    from makertasks.monitoring.listing import Filter

# How far the counters may lag behind before a task is listed only once it was counted. Usually it is seconds; after
# ten minutes the alarm `streams-behind` goes off.
LAG = timedelta(minutes=15)
# Concurrent queries of one hour's partitions; they wait for the network, not for the processor.
AT_A_TIME = 5
# Entries of an hour with one name or status up to which they are kept in memory.
MOST_KEPT_ENTRIES = 2_000
# How far the clock of a task's producer may be ahead of ours before its task is listed only once it was counted.
AHEAD = timedelta(minutes=5)


@dataclass(frozen=True)
class Reading:
    """A range of an index: times of creation, entries per request, the order, and whether all of it will be read."""

    newest: str
    oldest: str
    at_once: int
    oldest_first: bool = False
    whole: bool = False


# Whole partitions, a thousand entries a request.
EVERYTHING = Reading("9", "0", 1_000, oldest_first=True)


def candidates(wanted: Filter, reading: Reading, names: set[str]) -> Iterator[Place]:
    """Yield positions of tasks that may match the filter, in the reading's order."""
    if wanted.item_id:
        yield from _partition(TaskRecord.by_item, wanted.item_id, reading)
    elif wanted.worker:
        yield from _partition(TaskRecord.by_worker, wanted.worker, reading)
    elif wanted.status and wanted.status not in FINAL:
        found = (
            _within_range([(each.created, each.id) for each in part.entries], reading)
            if part.is_complete
            else _partition(TaskRecord.by_status, part.key, reading)
            for part in unfinished.partitions()
        )
        yield from heapq.merge(*_begun(list(found)), reverse=not reading.oldest_first)
    else:
        for hour in _hours(wanted, reading, names):
            yield from _in_hour(wanted, hour, reading)


def _in_hour(wanted: Filter, hour: HourCounts, reading: Reading) -> Iterator[Place]:
    """Yield positions of one hour, from the index with fewer non-matching tasks."""
    in_status_index = wanted.status and wanted.status != Status.SUCCESS
    if in_status_index and not _fewer_by_name(wanted, hour):
        status = str(wanted.status)
        keys = records.status_keys(status, hour.hour)
        found = _within(TaskRecord.by_status, keys, reading, hour, hour.tasks(status=status))
    else:
        found = [
            part
            for name in ([wanted.name] if wanted.name else sorted(hour.names))
            for part in _within(TaskRecord.by_name, records.name_keys(name, hour.hour), reading, hour, hour.tasks(name))
        ]
    yield from heapq.merge(*_begun(found), reverse=not reading.oldest_first)


def _within(
    index: GlobalSecondaryIndex[Any], keys: list[str], reading: Reading, hour: HourCounts, tasks: int
) -> list[Iterator[Place]]:
    """Return the positions in an hour's partitions, which have this number of tasks.

    If all of them are wanted and the hour is over, they are read once and kept until something in the hour changes.
    """
    if not reading.whole or tasks > MOST_KEPT_ENTRIES or hour.hour in last_hours():
        return [_partition(index, key, reading) for key in keys]
    return [_kept(index, keys, reading, (hour.version, tasks))]


def _kept(
    index: GlobalSecondaryIndex[Any], keys: list[str], reading: Reading, version: recent.Version
) -> Iterator[Place]:
    found = recent.entries(
        keys[0], version, lambda: sorted(chain.from_iterable(_entries(index, key, EVERYTHING) for key in keys))
    )
    yield from _within_range(found, reading)


def _within_range(ascending: list[Place], reading: Reading) -> Iterator[Place]:
    yield from (each for each in _ordered(ascending, reading) if reading.oldest <= each[0] <= reading.newest)


def _begun(partitions: list[Iterator[Place]]) -> list[Iterator[Place]]:
    """Return the same positions, with each partition's first ones read concurrently."""
    if len(partitions) == 1:
        return partitions
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        begun = list(pool.map(lambda each: list(islice(each, 1)), partitions))
    return [chain(first, each) for first, each in zip(begun, partitions, strict=True)]


def _fewer_by_name(wanted: Filter, hour: HourCounts) -> bool:
    return bool(wanted.name) and hour.tasks(wanted.name) < hour.tasks(status=str(wanted.status))


def _hours(wanted: Filter, reading: Reading, names: set[str]) -> Iterator[HourCounts]:
    """Yield hours to query: the last ones for all known names, older ones if they have matching tasks."""
    newest, oldest = clock.hour(reading.newest), clock.hour(reading.oldest)
    last = [hour for hour in last_hours() if oldest <= hour <= newest]
    waiting = sorted(last, reverse=not reading.oldest_first)
    for hour in counted_hours(newest, oldest, wanted.counted_in, oldest_first=reading.oldest_first):
        while waiting and waiting[0] != hour.hour and (waiting[0] < hour.hour) == reading.oldest_first:
            yield HourCounts(waiting.pop(0), {name: {} for name in names})
        if waiting and waiting[0] == hour.hour:
            yield HourCounts(waiting.pop(0), {name: {} for name in names} | hour.names)
        else:
            yield hour
    for each in waiting:
        yield HourCounts(each, {name: {} for name in names})


def last_hours() -> list[str]:
    """Return the hours that the counters may lack, newest first."""
    present = clock.now()
    moments = (present + AHEAD, present, present - LAG)
    return list(dict.fromkeys(clock.hour(clock.text(moment)) for moment in moments))


def _partition(index: GlobalSecondaryIndex[Any], key: str, reading: Reading) -> Iterator[Place]:
    """Yield positions of one partition in order; tasks of the same microsecond are ordered by key."""
    if reading.oldest > reading.newest:
        return
    same_moment: list[Place] = []
    for place in _entries(index, key, reading):
        if same_moment and same_moment[0][0] != place[0]:
            yield from _ordered(sorted(same_moment), reading)
            same_moment = []
        same_moment.append(place)
    yield from _ordered(sorted(same_moment), reading)


def _ordered(ascending: list[Place], reading: Reading) -> Iterable[Place]:
    return ascending if reading.oldest_first else reversed(ascending)


def _entries(index: GlobalSecondaryIndex[Any], key: str, reading: Reading) -> Iterator[Place]:
    """Yield the entries of a range; without PynamoDB's models, which would take most of the time."""
    records.connect()
    query: dict[str, Any] = {
        "range_key_condition": TaskRecord.created.between(reading.oldest, reading.newest),
        "index_name": index.Meta.index_name,
        "limit": reading.at_once,
        "scan_index_forward": reading.oldest_first,
    }
    start = None
    while True:
        answer = TaskRecord._get_connection().query(key, exclusive_start_key=start, **query)  # noqa: SLF001 - as above
        yield from ((each["created"]["S"], each["id"]["S"]) for each in answer["Items"])
        start = answer.get("LastEvaluatedKey")
        if not start:
            return
