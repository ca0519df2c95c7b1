"""Lists of tasks, newest first: every filter and pair of filters is read from an index, page by page, without a scan.

A filter uses the index with the fewest entries to read; conditions that the index lacks are checked on the records.
Keys of the name and status indexes are bucketed by hour, and the counters say which hours have matching tasks. The last
hours are always queried, because the counters lag slightly behind.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import Any

from makertasks import clock, wire
from makertasks.aws.dynamodb import answering
from makertasks.errors import InvalidRequest
from makertasks.monitoring import places, recent, search
from makertasks.monitoring.places import Reading
from makertasks.monitoring.recent import Place
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, Status

DEFAULT_LIMIT = 25  # as Django admin's list
MAXIMUM_LIMIT = 100  # one BatchGetItem
# Records read for one page; a filter that finds little in them gives a short page with a cursor.
MAXIMUM_READ = 1000
# Seconds after which a page is returned short, with a cursor.
MOST_SECONDS = 10.0
OLDEST = "2000-01-01T00:00:00.000000Z"


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


def page(
    wanted: Filter,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    names: Iterable[str] = (),
    oldest_first: bool = False,
    seconds: float = MOST_SECONDS,
) -> Page:
    """Return one page; `names` are known task names besides those in the counters.

    After `seconds` it has the matching tasks found so far. Raises InvalidRequest for an invalid limit or a cursor of
    another query, and Unavailable.
    """
    if not 1 <= limit <= MAXIMUM_LIMIT:
        raise InvalidRequest("limit", f"must be between 1 and {MAXIMUM_LIMIT}, not {limit}")
    after = _read_cursor(cursor, wanted) if cursor else None
    if wanted.q is not None and (task_id := search.exact_id(search.parse(wanted.q))):
        return _one(wanted, task_id)
    with answering("the tasks table did not respond"):
        # One more shows whether there is a next page, and another one that no task of the same moment is missing.
        at_once = MAXIMUM_LIMIT if wanted.needs_records else limit + 2
        found = _places(wanted.narrowed(), after, set(names), at_once, oldest_first=oldest_first)
        fitting, last, fresh = _collect(wanted, limit, found, seconds)
        return Page(_current(wanted, fitting, fresh), _write_cursor(last, wanted) if last else None)


def newest(wanted: Filter, most: int, *, names: Iterable[str] = ()) -> tuple[list[TaskRecord], bool]:
    """Return up to `most` of the newest matching tasks, and whether those are all.

    Finished tasks may be as they were when they finished. Raises InvalidRequest and Unavailable.
    """
    found = _places(wanted.narrowed(), None, set(names), MAXIMUM_LIMIT, whole=True)
    with answering("the tasks table did not respond"):
        fitting, last, _ = _collect(wanted, most, found, MOST_SECONDS)
    return fitting, last is None


def walk(wanted: Filter, *, names: Iterable[str] = (), most: int) -> Iterator[TaskRecord]:
    """Yield the matching tasks among the `most` newest ones of the filter's index, newest first.

    It reads on demand, a hundred at a time; finished tasks may be as they were when they finished. Raises
    InvalidRequest and Unavailable.
    """
    found = islice(_places(wanted.narrowed(), None, set(names), MAXIMUM_LIMIT), most)
    with answering("the tasks table did not respond"):
        while chunk := list(islice(found, MAXIMUM_LIMIT)):
            stored, _ = recent.get_many([key for _, key in chunk])
            yield from (stored[key] for _, key in chunk if key in stored and wanted.admits(stored[key]))


def reached(cursor: str) -> str:
    """Return the time of creation up to which the page before this cursor has searched."""
    return _decoded(cursor)[0]


def _one(wanted: Filter, task_id: str) -> Page:
    stored = records.get_many([wire.result_key(task_id)])
    return Page([record for record in stored.values() if wanted.admits(record)], None)


def _collect(
    wanted: Filter, limit: int, found: Iterator[Place], seconds: float
) -> tuple[list[TaskRecord], Place | None, set[str]]:
    """Return up to `limit` matching tasks, the position after which there may be more, and the keys read now."""
    fitting: list[TaskRecord] = []
    read: set[str] = set()
    last_seen: Place | None = None
    ends = time.monotonic() + seconds
    while last_seen is None or (len(read) < MAXIMUM_READ and time.monotonic() < ends):
        # A page first; if that finds little, as many as one request reads.
        wished = min(limit + 1, MAXIMUM_LIMIT) if last_seen is None else MAXIMUM_LIMIT
        chunk = list(islice(found, wished))
        stored, missing = recent.get_many([key for _, key in chunk])
        read |= missing
        fitting += [stored[key] for _, key in chunk if key in stored and wanted.admits(stored[key])]
        if len(fitting) > limit:
            return fitting[:limit], (fitting[limit - 1].created, fitting[limit - 1].id), read
        if len(chunk) < wished:
            return fitting, None, read
        last_seen = chunk[-1]
    return fitting, last_seen, read


def _current(wanted: Filter, fitting: list[TaskRecord], fresh: set[str]) -> list[TaskRecord]:
    """Return the tasks as they are now: one in memory may have been deleted or retried since it was read."""
    stored = {record.id: record for record in fitting if record.id in fresh}
    if missing := [record.id for record in fitting if record.id not in fresh]:
        stored |= records.get_many(missing)
    return [stored[record.id] for record in fitting if record.id in stored and wanted.admits(stored[record.id])]


def _places(
    wanted: Filter,
    after: Place | None,
    names: set[str],
    at_once: int,
    *,
    oldest_first: bool = False,
    whole: bool = False,
) -> Iterator[Place]:
    """Yield positions of tasks that may match, newest or oldest first, after `after`, `at_once` from an index."""
    newest, oldest = wanted.created_to or "9", wanted.created_from or OLDEST
    if after and oldest_first:
        oldest = max(oldest, after[0])
    elif after:
        newest = min(newest, after[0])
    if newest == "9":
        newest = clock.text(clock.now() + timedelta(days=1))
    reading = Reading(newest, oldest, at_once, oldest_first, whole or wanted.needs_records)
    for place in places.candidates(wanted, reading, names):
        if after is None or (place > after if oldest_first else place < after):
            yield place


def _digest(wanted: Filter) -> str:
    return hashlib.sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).hexdigest()[:12]


def _write_cursor(place: Place, wanted: Filter) -> str:
    return base64.urlsafe_b64encode(json.dumps([*place, _digest(wanted)]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, wanted: Filter) -> Place:
    created, key, digest = _decoded(cursor)
    if digest != _digest(wanted) or not isinstance(key, str):
        raise InvalidRequest("cursor", "belongs to another query; start again without it when the filters change")
    return created, key


def _decoded(cursor: str) -> tuple[str, Any, Any]:
    try:
        created, key, digest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        clock.parse(created)
    except (ValueError, TypeError) as error:
        raise InvalidRequest("cursor", "is not valid; use the value of `cursor` from the previous page") from error
    return created, key, digest
