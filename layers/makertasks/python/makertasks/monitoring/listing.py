"""Lists of tasks, newest first: every filter and pair of filters is read from an index, page by page, without a scan.

A filter uses the index with the fewest entries to read; conditions that the index lacks are checked on the records.
Keys of the name and status indexes are bucketed by hour, and the counters say which hours have matching tasks. The last
hours are always queried, because the counters lag slightly behind.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

from pynamodb.indexes import GlobalSecondaryIndex

from makertasks import clock, wire
from makertasks.aws.dynamodb import answering
from makertasks.errors import InvalidRequest
from makertasks.monitoring import search
from makertasks.monitoring.counters.reading import HourCounts
from makertasks.monitoring.counters.reading import hours as counted_hours
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, Status

DEFAULT_LIMIT = 25  # as Django admin's list
MAXIMUM_LIMIT = 100  # one BatchGetItem
# Keys looked at for one page; a filter that finds little in them gives a short page with a cursor.
MAXIMUM_EXAMINED = 1000
# Seconds after which a page is returned short, with a cursor.
MOST_SECONDS = 10.0
# Number of last hours that are always queried.
UNCOUNTED_HOURS = 2
# How far the clock of a task's producer may be ahead of ours before its task is listed only once it was counted.
AHEAD = timedelta(minutes=5)
OLDEST = "2000-01-01T00:00:00.000000Z"

# A task's position in every list: its time of creation, then the table's key.
Place = tuple[str, str]


@dataclass(frozen=True)
class Filter:
    """A filter; None matches everything. Times are ISO 8601 text in the format of `clock.text`, both inclusive."""

    status: str | None = None
    name: str | None = None
    item_id: str | None = None
    worker: str | None = None
    created_from: str | None = None
    created_to: str | None = None
    q: str | None = None  # in the language of `search`
    scheduled: bool | None = None  # whether the task waits for its ETA

    def admits(self, record: TaskRecord) -> bool:
        """Return whether a record matches."""
        return (
            self.status in {None, record.status, record.shown_status}
            and self.name in {None, record.name}
            and self.item_id in {None, record.item_id}
            and self.worker in {None, record.worker}
            and self.scheduled in {None, _is_scheduled(record)}
            and (self.created_from or OLDEST) <= record.created
            and (self.created_to is None or record.created <= self.created_to)
            and (self.q is None or search.parse(self.q).fits(record))
        )

    def narrowed(self) -> Filter:
        """Return the filter with the search's conditions on other fields, so that an index is used.

        Raises InvalidRequest.
        """
        terms = {} if self.q is None else {term.field: term.text for term in search.required(search.parse(self.q))}
        status = self.status or terms.get("status", "").upper() or None
        if status is None and (state := terms.get("state", "").upper()):
            status = state if state in set(Status) else Status.STARTED  # the status of tasks with a custom state
        if status is None and self.scheduled:
            status = Status.PENDING
        item_id = terms.get("item", "")
        return replace(self, status=status, item_id=self.item_id or (item_id if search.is_uuid(item_id) else None))

    def counted_in(self, names: dict[str, dict[str, int]]) -> bool:
        """Return whether counts, {task name: {status: tasks}}, say that tasks with this name and status may exist."""
        counts = [names.get(self.name, {})] if self.name else list(names.values())
        return any(count.get(self.status) if self.status else count for count in counts)

    @property
    def needs_records(self) -> bool:
        """Return whether no index covers the whole filter, so that more is read than shown."""
        asked = (self.status, self.name, self.item_id, self.worker, self.q)
        more = self.q is not None or self.scheduled is not None or self.status not in {None, *FINAL}
        return more or sum(each is not None for each in asked) > 1


def _is_scheduled(record: TaskRecord) -> bool:
    return record.status == Status.PENDING and (record.eta or "") > clock.text(clock.now())


@dataclass(frozen=True)
class Page:
    """A page of tasks, newest first, and the cursor of the next page if there may be more."""

    records: list[TaskRecord]
    cursor: str | None


@dataclass(frozen=True)
class Reading:
    """A range of an index: times of creation, and the number of entries per request."""

    newest: str
    oldest: str
    at_once: int


def page(wanted: Filter, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None, names: Iterable[str] = ()) -> Page:
    """Return one page; `names` are known task names besides those in the counters.

    Raises InvalidRequest for an invalid limit or a cursor of another query, and Unavailable.
    """
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise InvalidRequest("limit", f"must be between 1 and {MAXIMUM_LIMIT}, not {limit}")
    after = _read_cursor(cursor, wanted) if cursor else None
    if wanted.q is not None and (task_id := search.exact_id(search.parse(wanted.q))):
        return _one(wanted, task_id)
    with answering("the tasks table did not answer"):
        at_once = MAXIMUM_LIMIT if wanted.needs_records else limit + 1
        return _collect(wanted, limit, _places(wanted.narrowed(), after, set(names), at_once))


def walk(wanted: Filter, *, names: Iterable[str] = (), most: int) -> Iterator[TaskRecord]:
    """Yield the matching tasks among the `most` newest ones of the filter's index, newest first.

    It reads on demand, a hundred at a time. Raises InvalidRequest and Unavailable.
    """
    places = islice(_places(wanted.narrowed(), None, set(names), MAXIMUM_LIMIT), most)
    with answering("the tasks table did not answer"):
        while chunk := list(islice(places, MAXIMUM_LIMIT)):
            stored = records.get_many(key for _, key in chunk)
            yield from (stored[key] for _, key in chunk if key in stored and wanted.admits(stored[key]))


def _one(wanted: Filter, task_id: str) -> Page:
    stored = records.get_many([wire.result_key(task_id)])
    return Page([record for record in stored.values() if wanted.admits(record)], None)


def _collect(wanted: Filter, limit: int, places: Iterator[Place]) -> Page:
    found: list[TaskRecord] = []
    examined = 0
    ends = time.monotonic() + MOST_SECONDS
    while examined < MAXIMUM_EXAMINED and (not examined or time.monotonic() < ends):
        # A page first; if that finds little, as many as one request reads.
        chunk = list(islice(places, limit + 1 - len(found) if examined == 0 else MAXIMUM_LIMIT))
        if not chunk:
            return Page(found, None)
        examined += len(chunk)
        stored = records.get_many(key for _, key in chunk)
        for _, key in chunk:
            if key in stored and wanted.admits(stored[key]):
                if len(found) == limit:
                    last = found[-1]
                    return Page(found, _write_cursor((last.created, last.id), wanted))
                found.append(stored[key])
        last_seen = chunk[-1]
    return Page(found, _write_cursor(last_seen, wanted))


def _places(wanted: Filter, after: Place | None, names: set[str], at_once: int) -> Iterator[Place]:
    """Yield positions of tasks that may match, newest first, after `after`, reading `at_once` from an index."""
    newest = min(wanted.created_to or "9", after[0] if after else "9")
    if newest == "9":
        newest = clock.text(clock.now() + timedelta(days=1))
    oldest = wanted.created_from or OLDEST
    for place in _candidates(wanted, Reading(newest, oldest, at_once), names):
        if after is None or place < after:
            yield place


def _candidates(wanted: Filter, reading: Reading, names: set[str]) -> Iterator[Place]:
    if wanted.item_id:
        yield from _partition(TaskRecord.by_item, wanted.item_id, reading)
    elif wanted.worker:
        yield from _partition(TaskRecord.by_worker, wanted.worker, reading)
    elif wanted.status and wanted.status not in FINAL:
        yield from _merged(TaskRecord.by_status, records.active_keys(), reading)
    else:
        for hour in _hours(wanted, reading, names):
            yield from _in_hour(wanted, hour, reading)


def _in_hour(wanted: Filter, hour: HourCounts, reading: Reading) -> Iterator[Place]:
    """Yield positions of one hour, from the index with fewer non-matching tasks."""
    in_status_index = wanted.status and wanted.status != Status.SUCCESS
    if in_status_index and not _fewer_by_name(wanted, hour):
        yield from _merged(TaskRecord.by_status, records.status_keys(str(wanted.status), hour.hour), reading)
        return
    names = [wanted.name] if wanted.name else sorted(hour.names)
    keys = (key for name in names for key in records.name_keys(name, hour.hour))
    yield from _merged(TaskRecord.by_name, keys, reading)


def _fewer_by_name(wanted: Filter, hour: HourCounts) -> bool:
    if not wanted.name:
        return False
    of_name = sum(hour.names.get(wanted.name, {}).values())
    of_status = sum(counts.get(str(wanted.status), 0) for counts in hour.names.values())
    return of_name < of_status


def _hours(wanted: Filter, reading: Reading, names: set[str]) -> Iterator[HourCounts]:
    """Yield hours to query, newest first: the last ones for all known names, older ones if they have matching tasks."""
    present = clock.now()
    newest, oldest = clock.hour(reading.newest), clock.hour(reading.oldest)
    moments = (present + AHEAD, *(present - timedelta(hours=back) for back in range(UNCOUNTED_HOURS)))
    recent = dict.fromkeys(clock.hour(clock.text(moment)) for moment in moments)
    counted = counted_hours(newest, oldest, wanted.counted_in)
    latest = next(counted, None)
    for hour in recent:
        counts: dict[str, dict[str, int]] = {name: {} for name in names}
        if latest and latest.hour == hour:
            counts |= latest.names
            latest = next(counted, None)
        if oldest <= hour <= newest:
            yield HourCounts(hour, counts)
    if latest:
        yield latest
        yield from counted


def _merged(index: GlobalSecondaryIndex[Any], partitions: Iterable[str], reading: Reading) -> Iterator[Place]:
    return heapq.merge(*(_partition(index, key, reading) for key in partitions), reverse=True)


def _partition(index: GlobalSecondaryIndex[Any], key: str, reading: Reading) -> Iterator[Place]:
    """Yield positions of one partition, newest first; tasks of the same microsecond are ordered by key."""
    records.connect()
    if reading.oldest > reading.newest:
        return
    bounds = TaskRecord.created.between(reading.oldest, reading.newest)
    same_moment: list[Place] = []
    for found in index.query(key, bounds, scan_index_forward=False, page_size=reading.at_once):
        place = (found.created, found.id)
        if same_moment and same_moment[0][0] != place[0]:
            yield from sorted(same_moment, reverse=True)
            same_moment = []
        same_moment.append(place)
    yield from sorted(same_moment, reverse=True)


def _digest(wanted: Filter) -> str:
    return hashlib.sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).hexdigest()[:12]


def _write_cursor(place: Place, wanted: Filter) -> str:
    return base64.urlsafe_b64encode(json.dumps([*place, _digest(wanted)]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, wanted: Filter) -> Place:
    try:
        created, key, digest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        clock.parse(created)
    except (ValueError, TypeError) as error:
        raise InvalidRequest("cursor", "is not valid; use the value of `cursor` from the previous page") from error
    if digest != _digest(wanted) or not isinstance(key, str):
        raise InvalidRequest("cursor", "belongs to another query; start again without it when the filters change")
    return created, key
