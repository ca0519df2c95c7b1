"""Retrying a finished task: always a new task, which refers to the old one and lists the changed arguments."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from makertasks import masking, wire
from makertasks.errors import InvalidArguments, InvalidRequest, NotFound
from makertasks.records import lifecycle, payloads, unredriven
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import producer
from makertasks.submission.producer import Accepted, Submission

NAMESPACE = uuid.UUID("c1b7e0a4-6f0f-4a58-9a55-2b1f0d0f8e63")  # namespace of the ids of dead letters' new tasks


def retry(
    task_id: str, *, kwargs: Mapping[str, Any] | None = None, who: str = "", new_id: str | None = None
) -> Accepted:
    """Submit a finished task again as a new task; `kwargs` replaces all arguments by name.

    A dead letter is parsed again from the stored message. The old task's follow-ups (its chain, its callbacks) were
    sent or failed already and are not repeated. Raises NotFound, InvalidRequest (unfinished task, invalid arguments, a
    message that still cannot be read) and Unavailable.
    """
    record = records.get(task_id)
    if not record.is_final:
        raise InvalidRequest("id", f"task {task_id} is {record.status} and has not finished; revoke it first, or wait")
    message = _dead_message(record) if record.body else _message(record)
    if kwargs is None and masking.hides(message.kwargs):
        raise InvalidRequest("kwargs", "the task has secret arguments, which are not stored; enter all arguments again")
    given = dict(kwargs) if kwargs is not None else message.kwargs
    wanted = Submission(
        message.name,
        given,
        args=() if kwargs is not None else message.args,
        task_id=new_id,
        requested_by=who,
        retry_of=task_id,
        changes=None if record.body else _changes(message.kwargs, given),
        max_retries=None if record.max_retries is None else int(record.max_retries),
        time_limit=message.time_limit,
        soft_time_limit=message.soft_time_limit,
        root_id=record.root_id or task_id,
    )
    new = producer.submit(wanted)
    lifecycle.note_retry(record, new.task_id)
    return new


def redrive(task_id: str, *, who: str = "") -> str:
    """Send a dead letter again as a new task and return its id; raises like `retry`.

    If it was sent again already, that task's id is returned, unless that failed or was revoked, too.
    """
    record = _dead_letter(task_id)
    before = list(record.retried_to or [])
    last = records.stored(before[-1]) if before else None
    if last is not None and last.status not in {Status.FAILURE, Status.REVOKED}:
        return last.task_id
    return retry(task_id, who=who, new_id=str(uuid.uuid5(NAMESPACE, f"{task_id}/{len(before)}"))).task_id


def send_edited(task_id: str, body: str, *, who: str = "") -> str:
    """Send `body` as a new task instead of a dead letter's message, and return the new task's id.

    `body` is the task's arguments as a JSON object, or a whole Celery message. Raises InvalidRequest, whose field is
    `body`, NotFound and Unavailable.
    """
    record = _dead_letter(task_id)
    try:
        message = payloads.whole(wire.decode(body, message_id=task_id, default_name=record.name))
        wanted = Submission(
            message.name, message.kwargs, message.args, requested_by=who, retry_of=task_id,
            root_id=record.root_id or task_id,
        )  # fmt: skip
        new = producer.submit(wanted).task_id
    except (wire.Malformed, NotFound) as error:
        raise InvalidRequest("body", f"cannot be read as a message: {error}") from error
    except (InvalidRequest, InvalidArguments) as error:
        raise InvalidRequest("body", f"does not fit the task: {error}") from error
    lifecycle.note_retry(record, new)
    return new


def discard(task_id: str) -> None:
    """Discard a dead letter, which is then no longer counted; its record stays until it expires.

    Raises InvalidRequest if the task is not a dead letter or has already been sent again or discarded, NotFound and
    Unavailable.
    """
    record = _dead_letter(task_id)
    if not is_waiting(record):
        raise InvalidRequest("id", f"the message of task {task_id} has already been sent again or discarded")
    unredriven.discard(unredriven.DeadLetter.of(record))


def is_waiting(record: TaskRecord) -> bool:
    """Return whether a task is a dead letter that nobody has sent again or discarded; raises Unavailable."""
    return bool(record.body) and unredriven.DeadLetter.of(record) in unredriven.listed()


def _dead_letter(task_id: str) -> TaskRecord:
    record = records.get(task_id)
    if not record.body:
        raise InvalidRequest("id", f"task {task_id} is not a dead letter; retry it instead")
    return record


def _message(record: TaskRecord) -> wire.Message:
    try:
        return payloads.whole(records.message_of(record))
    except (wire.Malformed, NotFound) as error:
        raise InvalidRequest("id", f"the arguments of task {record.task_id} cannot be read: {error}") from error


def _dead_message(record: TaskRecord) -> wire.Message:
    try:
        return payloads.whole(wire.decode(str(record.body), message_id=record.task_id, default_name=record.name))
    except (wire.Malformed, NotFound) as error:
        raise InvalidRequest("id", f"the message of task {record.task_id} still cannot be read: {error}") from error


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the differences, {argument: {from, to}}; a side without the argument is absent."""
    changed: dict[str, Any] = {}
    for name in sorted({*old, *new}):
        if name in old and name in new and old[name] == new[name]:
            continue
        sides = {"from": old.get(name, _ABSENT), "to": new.get(name, _ABSENT)}
        changed[name] = {side: _short(value) for side, value in sides.items() if value is not _ABSENT}
    return changed or None


_ABSENT = object()
# Maximum characters of JSON of a value that the differences show whole.
SHOWN_CHARACTERS = 200


def _short(value: Any) -> Any:
    text = wire.dump_value(value)
    return value if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
