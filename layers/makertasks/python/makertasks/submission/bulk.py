"""Many tasks in one call: 25 records and 10 messages per request; invalid tasks are rejected individually.

Repeating a call with the same idempotency key creates no duplicates: ids are derived from the first call with the key.
A call checks which of them are recorded, writes the missing ones, and sends those that have not started. Calls with the
same key do so one at a time (`bulk_calls`).
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from makertasks import settings, tasks, wire
from makertasks.aws import dynamodb, queues
from makertasks.errors import InvalidRequest, Unavailable
from makertasks.inventory import table as inventory
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import bulk_calls, delays, producer
from makertasks.submission.bulk_calls import Call
from makertasks.submission.drafts import Draft
from makertasks.submission.producer import Submission

MAXIMUM_TASKS = 10_000
# DynamoDB's limits of one BatchWriteItem.
BATCH_RECORDS = 25
# Number of concurrent requests: they mostly wait for the network.
THREADS = 8
# Maximum seconds for which unprocessed items are retried: a throttled table or partition accepts more within seconds,
# and splits within minutes.
PATIENCE_SECONDS = 300.0
# Delays between two retries of unprocessed items, in seconds: the first, and the maximum.
FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0


@dataclass(frozen=True)
class Rejection:
    """A task that was rejected, or not sent; `index` is its index in the call."""

    index: int
    field: str
    reason: str


@dataclass
class Submitted:
    """The outcome of each task of a call by index: an id, or a rejection.

    `unsent` tasks are recorded, but their message is not sent: repeating the call sends it, otherwise the sweep does.
    """

    ids: list[str | None]
    rejected: list[Rejection] = field(default_factory=list)
    unsent: list[Rejection] = field(default_factory=list)


def submit_many(
    submissions: Sequence[Submission],
    *,
    idempotency_key: str | None = None,
    requested_by: str = "",
    patience: float = PATIENCE_SECONDS,
) -> Submitted:
    """Submit up to 10,000 tasks; throttled writes are retried for `patience` seconds.

    Raises InvalidRequest if there are more, or if a call with the same key is in progress, and Unavailable if no task
    could be processed; retry later in that case.
    """
    if len(submissions) > MAXIMUM_TASKS:
        raise InvalidRequest(
            "tasks", f"are {len(submissions):,}; one call accepts at most {MAXIMUM_TASKS:,}, so make several"
        )
    if idempotency_key is None:
        return _submit(submissions, None, requested_by, patience)
    with bulk_calls.holding(idempotency_key, submissions) as call:
        return _submit(submissions, call, requested_by, patience)


def _submit(submissions: Sequence[Submission], call: Call | None, requested_by: str, patience: float) -> Submitted:
    ends = time.monotonic() + patience
    answer = Submitted([None] * len(submissions))
    drafts = dict(_prepared(submissions, call, requested_by, answer))
    _refuse_unknown_items(drafts, answer)
    # No other call writes a record whose id is generated here; ids that callers choose may be written at any time.
    chosen = {place: draft for place, draft in drafts.items() if submissions[place].task_id is not None}
    own = {place: draft for place, draft in drafts.items() if place not in chosen}
    begun = _begun(own) if call else {}
    fresh = {place: draft for place, draft in own.items() if place not in begun}
    with ThreadPoolExecutor(THREADS) as pool:
        reasons: dict[int, str] = {}
        for refused in pool.map(lambda batch: _write(batch, call, ends), [dict(batch) for batch in _batches(fresh)]):
            reasons |= refused
        for place, state in zip(chosen, pool.map(partial(_record, ends=ends), chosen.values()), strict=True):
            if isinstance(state, str):
                reasons[place] = state
            else:
                begun[place] = not state
        for place, reason in reasons.items():
            answer.rejected.append(Rejection(place, "task", f"was not recorded: {reason}"))
            del drafts[place]
        for place, draft in drafts.items():
            answer.ids[place] = draft.message.task_id
        _send({place: draft for place, draft in drafts.items() if not begun.get(place)}, pool, answer)
    answer.rejected.sort(key=lambda rejection: rejection.index)
    return answer


def _begun(drafts: Mapping[int, Draft]) -> dict[int, bool]:
    """Return the drafts that are recorded already, and whether an attempt has started; raises Unavailable."""
    known = {record.id: record for record in records.get_states(draft.record.id for draft in drafts.values())}
    return {place: not _waits(known[draft.record.id]) for place, draft in drafts.items() if draft.record.id in known}


def _waits(record: TaskRecord) -> bool:
    return record.status == Status.PENDING and not record.attempt


def _prepared(
    submissions: Sequence[Submission], call: Call | None, requested_by: str, answer: Submitted
) -> Iterator[tuple[int, Draft]]:
    """Return the drafts of valid submissions; the others are added to the rejected ones."""
    seen: dict[str, int] = {}
    for place, wanted in enumerate(submissions):
        named = replace(wanted, requested_by=wanted.requested_by or requested_by)
        if named.task_id is None and call is not None:
            named = replace(named, task_id=call.task_id(place))
        if named.task_id is not None and seen.setdefault(named.task_id, place) != place:
            reason = f"is also that of the task at index {seen[named.task_id]}"
            answer.rejected.append(Rejection(place, "task_id", reason))
            continue
        try:
            yield place, producer.prepare(named, check_items=False)
        except InvalidRequest as error:
            answer.rejected.append(Rejection(place, error.field, error.reason))


def _refuse_unknown_items(drafts: dict[int, Draft], answer: Submitted) -> None:
    """Reject tasks whose item is not in the inventory, with one read of all items."""
    named = {
        place: (arguments[0], draft.record.item_id)
        for place, draft in drafts.items()
        if draft.record.item_id and (arguments := tasks.find(str(draft.record.name)).item_arguments)
    }
    wanted = {item_id for _, item_id in named.values()}
    found = inventory.find((inventory.owner_of(item_id), "item") for item_id in wanted)
    known = {owner: entry for (owner, _), entry in found.items()}
    for place, (argument, item_id) in named.items():
        if inventory.owner_of(item_id) not in known:
            error = producer.unknown_item(argument, item_id)
            answer.rejected.append(Rejection(place, error.field, error.reason))
            del drafts[place]
        elif name := getattr(known[inventory.owner_of(item_id)], "name", None):
            drafts[place].record.item_name = records.item_name(name)


def _batches(drafts: Mapping[int, Draft]) -> Iterator[list[tuple[int, Draft]]]:
    entries = list(drafts.items())
    for start in range(0, len(entries), BATCH_RECORDS):
        yield entries[start : start + BATCH_RECORDS]


def _write(batch: Mapping[int, Draft], call: Call | None, ends: float) -> dict[int, str]:
    """Write up to 25 new records by `ends`; returns the reason for each unwritten one by index."""
    table = settings.tasks_table()
    places = {draft.record.id: place for place, draft in batch.items()}
    requests: list[Any] = [{"PutRequest": {"Item": draft.record.serialize()}} for draft in batch.values()]
    reason = "DynamoDB was too busy"
    for _ in _offers(ends):
        if call and not call.may_write():
            reason = "the call took too long; repeat it"
            break
        try:
            requests = dynamodb.write_batch(table, requests)
        except dynamodb.Throttled:
            continue  # all of it
        except Unavailable as error:
            reason = str(error)
            break
        if not requests:
            return {}
    return {places[request["PutRequest"]["Item"]["id"]["S"]]: reason for request in requests}


def _offers(ends: float) -> Iterator[None]:
    """Yield once, and then after growing delays until `ends`, in seconds of time.monotonic()."""
    yield
    wait = FIRST_WAIT
    while time.monotonic() + wait < ends:
        time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - no secret; callers that wait do not come back together
        wait = min(wait * 2, LONGEST_WAIT)
        yield


def _record(draft: Draft, ends: float) -> bool | str:
    """Record a task, possibly again; returns whether to send its message, or why it was not recorded."""
    reason = ""
    for _ in _offers(ends):
        try:
            if lifecycle.create(draft.record):
                return True
            stored = records.stored(draft.message.task_id)
        except dynamodb.Throttled as error:
            reason = str(error)
            continue
        except Unavailable as error:
            return str(error)
        return stored is not None and _waits(stored)
    return reason


def _send(drafts: Mapping[int, Draft], pool: ThreadPoolExecutor, answer: Submitted) -> None:
    """Send the messages queue by queue; long delays become schedules."""
    by_queue: dict[str, dict[int, wire.Message]] = defaultdict(dict)
    delayed: dict[int, Draft] = {}
    for place, draft in drafts.items():
        if delays.seconds_until(draft.message.eta) > queues.MAXIMUM_DELAY_SECONDS:
            delayed[place] = draft
        else:
            by_queue[str(draft.record.queue)][place] = draft.message
    for queue, messages in by_queue.items():
        places = list(messages)
        bodies = [(delays.body_of(queue, message), delays.seconds_until(message.eta)) for message in messages.values()]
        for number, reason in queues.send_many(queue, bodies, pool).items():
            answer.unsent.append(Rejection(places[number], "task", f"was recorded but not sent: {reason}"))
    for place, reason in zip(delayed, pool.map(_delay, delayed.values()), strict=True):
        if reason:
            answer.unsent.append(Rejection(place, "task", f"was recorded but not sent: {reason}"))
    answer.unsent.sort(key=lambda rejection: rejection.index)


def _delay(draft: Draft) -> str:
    try:
        delays.send(str(draft.record.queue), draft.message)
    except Unavailable as error:
        return str(error)
    return ""
