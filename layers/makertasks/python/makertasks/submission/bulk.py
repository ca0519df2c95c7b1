"""Many tasks in one call: 25 records and 10 messages a request, each task refused for itself.

Calling again with the same idempotency key doubles nothing: the ids follow from the first call with the key. A call
looks which of them are recorded, writes those that are not, and sends those that nobody began. One call at a time does
so (`bulk_calls`).
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
# DynamoDB's bounds of one BatchWriteItem.
BATCH_RECORDS = 25
# Requests under way at once: they wait for the network most of the time.
THREADS = 8
# What DynamoDB has no room for is offered again until it is in, for at most this many seconds: a table or a partition
# that is throttled takes more within seconds, and splits within minutes.
PATIENCE_SECONDS = 300.0
# Waits between two offers, in seconds: the first, and the longest.
FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0


@dataclass(frozen=True)
class Rejection:
    """One task that was not accepted, or not sent; `index` is its place in the call."""

    index: int
    field: str
    reason: str


@dataclass
class Submitted:
    """What became of each task of a call, by its place: an id, or a rejection.

    `unsent` tasks are recorded, and their message is not sent: the same call does it again, else the sweep will.
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
    """Accept up to 10,000 tasks; what the table has no room for is offered again for `patience` seconds.

    Raises InvalidRequest where there are more, or where a call with the same key is under way, and Unavailable where
    no task could be looked at at all; calling again is right then.
    """
    if len(submissions) > MAXIMUM_TASKS:
        raise InvalidRequest("tasks", f"{len(submissions):,} in one call; make several of at most {MAXIMUM_TASKS:,}")
    if idempotency_key is None:
        return _submit(submissions, None, requested_by, patience)
    with bulk_calls.holding(idempotency_key, submissions) as call:
        return _submit(submissions, call, requested_by, patience)


def _submit(submissions: Sequence[Submission], call: Call | None, requested_by: str, patience: float) -> Submitted:
    ends = time.monotonic() + patience
    answer = Submitted([None] * len(submissions))
    drafts = dict(_prepared(submissions, call, requested_by, answer))
    _refuse_unknown_items(drafts, answer)
    # Nobody else can write a record whose id is made here; ids that callers choose may be written at any time.
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
    """Those drafts that are recorded already, and whether an attempt of theirs has begun; raises Unavailable."""
    known = {record.id: record for record in records.get_states(draft.record.id for draft in drafts.values())}
    return {place: not _waits(known[draft.record.id]) for place, draft in drafts.items() if draft.record.id in known}


def _waits(record: TaskRecord) -> bool:
    return record.status == Status.PENDING and not record.attempt


def _prepared(
    submissions: Sequence[Submission], call: Call | None, requested_by: str, answer: Submitted
) -> Iterator[tuple[int, Draft]]:
    """The drafts of those submissions that make sense; the others are noted as rejected."""
    seen: dict[str, int] = {}
    for place, wanted in enumerate(submissions):
        named = replace(wanted, requested_by=wanted.requested_by or requested_by)
        if named.task_id is None and call is not None:
            named = replace(named, task_id=call.task_id(place))
        if named.task_id is not None and seen.setdefault(named.task_id, place) != place:
            reason = f"is that of the task at place {seen[named.task_id]}, too"
            answer.rejected.append(Rejection(place, "task_id", reason))
            continue
        try:
            yield place, producer.prepare(named, check_items=False)
        except InvalidRequest as error:
            answer.rejected.append(Rejection(place, error.field, error.reason))


def _refuse_unknown_items(drafts: dict[int, Draft], answer: Submitted) -> None:
    """Take those out whose item the inventory does not have, after one look at all of them."""
    named = {
        place: (arguments[0], draft.record.item_id)
        for place, draft in drafts.items()
        if draft.record.item_id and (arguments := tasks.find(str(draft.record.name)).item_arguments)
    }
    wanted = {item_id for _, item_id in named.values()}
    known = {owner for owner, _ in inventory.find((inventory.owner_of(item_id), "item") for item_id in wanted)}
    for place, (argument, item_id) in named.items():
        if inventory.owner_of(item_id) not in known:
            error = producer.unknown_item(argument, item_id)
            answer.rejected.append(Rejection(place, error.field, error.reason))
            del drafts[place]


def _batches(drafts: Mapping[int, Draft]) -> Iterator[list[tuple[int, Draft]]]:
    entries = list(drafts.items())
    for start in range(0, len(entries), BATCH_RECORDS):
        yield entries[start : start + BATCH_RECORDS]


def _write(batch: Mapping[int, Draft], call: Call | None, ends: float) -> dict[int, str]:
    """Write up to 25 new records by `ends`; answers the reason for each one that was not written, by its place."""
    table = settings.tasks_table()
    places = {draft.record.id: place for place, draft in batch.items()}
    requests: list[Any] = [{"PutRequest": {"Item": draft.record.serialize()}} for draft in batch.values()]
    reason = "DynamoDB was too busy"
    for _ in _offers(ends):
        if call and not call.may_write():
            reason = "the call was held up for too long; make it again"
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
    """Once, and then again after growing waits until `ends`, in seconds of time.monotonic()."""
    yield
    wait = FIRST_WAIT
    while time.monotonic() + wait < ends:
        time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - no secret; callers that wait do not come back together
        wait = min(wait * 2, LONGEST_WAIT)
        yield


def _record(draft: Draft, ends: float) -> bool | str:
    """Record a task that may be recorded already: whether to send its message, or why it could not be recorded."""
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
    """Send the messages, queue by queue; long delays get a schedule."""
    by_queue: dict[str, dict[int, wire.Message]] = defaultdict(dict)
    put_off: dict[int, Draft] = {}
    for place, draft in drafts.items():
        if delays.seconds_until(draft.message.eta) > queues.MAXIMUM_DELAY_SECONDS:
            put_off[place] = draft
        else:
            by_queue[str(draft.record.queue)][place] = draft.message
    for queue, messages in by_queue.items():
        places = list(messages)
        bodies = [(delays.body_of(queue, message), delays.seconds_until(message.eta)) for message in messages.values()]
        for number, reason in queues.send_many(queue, bodies, pool).items():
            answer.unsent.append(Rejection(places[number], "task", f"is recorded and was not sent: {reason}"))
    for place, reason in zip(put_off, pool.map(_put_off, put_off.values()), strict=True):
        if reason:
            answer.unsent.append(Rejection(place, "task", f"is recorded and was not sent: {reason}"))
    answer.unsent.sort(key=lambda rejection: rejection.index)


def _put_off(draft: Draft) -> str:
    try:
        delays.send(str(draft.record.queue), draft.message)
    except Unavailable as error:
        return str(error)
    return ""
