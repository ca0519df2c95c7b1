"""Many tasks in one call: 25 records and 10 messages a request, each task refused for itself.

Calling again with the same idempotency key doubles nothing: a task's id follows from the key and its place. The first
call with a key writes records without looking, which is quick; that no other call is at it is kept by a note. A later
call writes only records that are missing, each on the condition that it still is, and sends again what nobody began.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from makertasks import (
    aws,
    clock,
    delays,
    idempotency,
    inventory,
    lifecycle,
    notes,
    producer,
    queues,
    records,
    settings,
    wire,
)
from makertasks.drafts import Draft
from makertasks.errors import InvalidRequest, Unavailable
from makertasks.producer import Submission
from makertasks.states import Status

MAXIMUM_TASKS = 10_000
# DynamoDB's bounds of one BatchWriteItem.
BATCH_RECORDS = 25
# Requests under way at once: they wait for the network most of the time.
THREADS = 8
# What DynamoDB did not take of a batch is offered so often again, after 0.1 s, 0.2 s, …
OFFERS = 6
# Nobody else may write under a key for so long, and its first caller writes only for a minute less.
CALL_TIME = timedelta(minutes=15)
WRITING_SECONDS = 840.0

NAMESPACE = uuid.UUID("7a0c9f4e-7f0b-4a55-8b6e-5f3f1f0e9b2d")  # of ids that follow from a key and a place


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
    submissions: Sequence[Submission], *, idempotency_key: str | None = None, requested_by: str = ""
) -> Submitted:
    """Accept up to 10,000 tasks.

    Raises InvalidRequest where there are more, or where a call with the same key is under way, and Unavailable where
    no task could be looked at at all; calling again is right then.
    """
    if len(submissions) > MAXIMUM_TASKS:
        raise InvalidRequest("tasks", f"{len(submissions):,} in one call; make several of at most {MAXIMUM_TASKS:,}")
    if idempotency_key is None:
        return _submit(submissions, None, requested_by, first_call=True)
    idempotency.check(idempotency_key)
    note = idempotency.note_of(idempotency_key, "bulk")
    known = notes.get(note)
    if known and known.get("until", "") > clock.text(clock.now()):
        raise InvalidRequest("idempotency_key", f"a call with this key is under way; call again after {known['until']}")
    kept = clock.now() + timedelta(hours=settings.idempotency_hours()) + CALL_TIME
    under_way = {"until": clock.text(clock.now() + CALL_TIME)}
    if known is None and not notes.put_first(note, under_way, kept):
        raise InvalidRequest("idempotency_key", "a call with this key has just begun; call again when it has ended")
    answer = _submit(submissions, idempotency_key, requested_by, first_call=known is None)
    notes.put(note, {"until": ""}, kept)
    return answer


def _submit(submissions: Sequence[Submission], key: str | None, requested_by: str, *, first_call: bool) -> Submitted:
    answer = Submitted([None] * len(submissions))
    drafts = dict(_prepared(submissions, key, requested_by, answer))
    _refuse_unknown_items(drafts, answer)
    # An id that the caller chose may be recorded already, as may all ids of a call that is made again.
    chosen = {place for place in drafts if submissions[place].task_id is not None}
    fresh = {place: draft for place, draft in drafts.items() if first_call and place not in chosen}
    repeated = {place: draft for place, draft in drafts.items() if place not in fresh}
    with ThreadPoolExecutor(THREADS) as pool:
        ends = time.monotonic() + WRITING_SECONDS
        batches = [dict(batch) for batch in _batches(fresh)]
        reasons: dict[int, str] = {}
        for refused in pool.map(lambda batch: _write(batch, ends), batches):
            reasons |= refused
        begun: set[int] = set()
        for place, state in zip(repeated, pool.map(_record, repeated.values()), strict=True):
            if isinstance(state, str):
                reasons[place] = state
            elif not state:
                begun.add(place)
        for place, reason in reasons.items():
            answer.rejected.append(Rejection(place, "task", f"was not recorded: {reason}"))
            del drafts[place]
        for place, draft in drafts.items():
            answer.ids[place] = draft.message.task_id
        _send({place: draft for place, draft in drafts.items() if place not in begun}, pool, answer)
    answer.rejected.sort(key=lambda rejection: rejection.index)
    return answer


def _prepared(
    submissions: Sequence[Submission], key: str | None, requested_by: str, answer: Submitted
) -> Iterator[tuple[int, Draft]]:
    """The drafts of those submissions that make sense; the others are noted as rejected."""
    seen: dict[str, int] = {}
    for place, wanted in enumerate(submissions):
        named = replace(wanted, requested_by=wanted.requested_by or requested_by)
        if named.task_id is None and key is not None:
            named = replace(named, task_id=str(uuid.uuid5(NAMESPACE, f"{key}/{place}")))
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
    wanted = {draft.record.item_id for draft in drafts.values() if draft.record.item_id}
    known = {owner for owner, _ in inventory.find((inventory.owner_of(item_id), "item") for item_id in wanted)}
    for place, draft in list(drafts.items()):
        item_id = draft.record.item_id
        if item_id and inventory.owner_of(item_id) not in known:
            argument = next(name for name, value in _arguments(draft).items() if value == item_id)
            error = producer.unknown_item(argument, item_id)
            answer.rejected.append(Rejection(place, error.field, error.reason))
            del drafts[place]


def _arguments(draft: Draft) -> Mapping[str, Any]:
    return draft.message.kwargs or {"item_id": draft.record.item_id}


def _batches(drafts: Mapping[int, Draft]) -> Iterator[list[tuple[int, Draft]]]:
    entries = list(drafts.items())
    for start in range(0, len(entries), BATCH_RECORDS):
        yield entries[start : start + BATCH_RECORDS]


def _write(batch: Mapping[int, Draft], ends: float) -> dict[int, str]:
    """Write up to 25 new records; answers the reason for each one that was not written, by its place."""
    table = settings.tasks_table()
    places = {draft.record.id: place for place, draft in batch.items()}
    requests: list[Any] = [{"PutRequest": {"Item": draft.record.serialize()}} for draft in batch.values()]
    reason = "DynamoDB was too busy"
    for offer in range(OFFERS):
        if time.monotonic() > ends:
            reason = "the call took too long"
            break
        if offer:
            time.sleep(0.05 * 2.0**offer)
        try:
            left = aws.client("dynamodb").batch_write_item(RequestItems={table: requests}).get("UnprocessedItems", {})
        except (ClientError, BotoCoreError) as error:
            reason = f"DynamoDB refused: {error}"
            break
        requests = left.get(table, [])
        if not requests:
            return {}
    return {places[request["PutRequest"]["Item"]["id"]["S"]]: reason for request in requests}


def _record(draft: Draft) -> bool | str:
    """Record a task that may be recorded already: whether to send its message, or why it could not be recorded."""
    try:
        if lifecycle.create(draft.record):
            return True
        stored = records.stored(draft.message.task_id)
    except Unavailable as error:
        return str(error)
    return stored is not None and stored.status == Status.PENDING and not stored.attempt


def _send(drafts: Mapping[int, Draft], pool: ThreadPoolExecutor, answer: Submitted) -> None:
    """Send the messages, queue by queue; those put off for long get their schedules."""
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
