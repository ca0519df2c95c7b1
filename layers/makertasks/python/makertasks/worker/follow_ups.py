"""Follow-ups of a finished task: callbacks, the next step of its chain, errbacks, the body of its chord.

`follow` is called when a record becomes final, and again whenever a message is redelivered after that. The follow-ups'
ids are derived from the finished task's id and their index, so repeating it is safe: a recorded but unsent task is
sent, a started one is left alone, a chord's part counts once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from aws_lambda_powertools import Logger

from makertasks import wire
from makertasks.errors import InvalidArguments, MakertasksError, NotFound, UnknownTask
from makertasks.records import chords, lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.chords import ChordError
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import delays, generations, mapped
from makertasks.submission.drafts import draft
from makertasks.wire.results import Tree

logger = Logger(child=True)

NAMESPACE = uuid.UUID("5f2a7e4c-3a53-4d0c-9f7e-0d6f6b9b6c11")  # namespace of the follow-ups' ids

# Statuses of a part that keep a chord's body from running, as in Celery.
FAILED = frozenset({Status.FAILURE.value, Status.REVOKED.value})


class NotRegistered(MakertasksError):
    """No task has the name in a signature."""


def has_followers(message: wire.Message) -> bool:
    """Return whether the message's task has follow-ups."""
    return any((message.callbacks, message.errbacks, message.chain, message.chord))


def keeps_result(message: wire.Message) -> bool:
    """Return whether the record needs the result: the caller wants it, or a follow-up receives it."""
    return not message.ignore_result or has_followers(message)


def children(message: wire.Message, result: Any) -> list[Tree]:
    """Return the children of a successful task, for its result; raises Malformed if a signature is invalid."""
    return _after_success(message, result).children if has_followers(message) else []


def follow(message: wire.Message, record: TaskRecord) -> None:
    """Send a final task's follow-ups; raises Unavailable, and may then be called again."""
    if not has_followers(message):
        return
    try:
        if record.status == Status.SUCCESS:
            _send(message, _after_success(message, payloads.result_of(record)))
        else:
            _send(message, _after_failure(message, record.status), _stored_error(record))
    except wire.Malformed as error:
        logger.warning("follow-ups cannot be read", task_id=message.task_id, reason=str(error))
    _count(message)


def _after_success(message: wire.Message, result: Any) -> wire.Followers:
    return wire.followers(message, result, new_id=_ids(message.task_id, "success"))


def _after_failure(message: wire.Message, status: str) -> wire.Followers:
    """As in Celery, errbacks of a revoked task are not sent; but tasks that waited for it fail with that reason."""
    told = message if status == Status.FAILURE else replace(message, errbacks=None)
    return wire.error_followers(told, new_id=_ids(message.task_id, "error"))


def _ids(task_id: str, occasion: str) -> Callable[[], str]:
    """Yield the follow-ups' ids, always the same ones in the same order."""
    places = count()
    return lambda: str(uuid.uuid5(NAMESPACE, f"{task_id}/{occasion}/{next(places)}"))


def _send(ended: wire.Message, following: wire.Followers, error: BaseException | None = None) -> None:
    """Store the chords, send the messages, and fail those that will never run with `error`."""
    for chord in following.chords:
        chords.begin(chord)
    for message in following.messages:
        _send_one(generations.after(generations.of(ended), message))
    for never_run in following.failed:
        _close(never_run, error or ChordError("a preceding task failed"))
        _count(never_run)


def _send_one(message: wire.Message) -> None:
    """Record a task and send it, unless it was sent before; it fails at once if no worker could run it."""
    try:
        prepared = draft(mapped.find(message), message)
    except UnknownTask:
        _fail_at_once(message, NotRegistered(message.name))
    except (InvalidArguments, payloads.TooLarge) as error:
        _fail_at_once(message, error)
    else:
        if lifecycle.create(prepared.record) or records.get(message.task_id).status == Status.PENDING:
            delays.send(str(prepared.record.queue), prepared.message)


def _fail_at_once(message: wire.Message, error: MakertasksError) -> None:
    _close(message, error)
    follow(message, records.get(message.task_id))


def _close(message: wire.Message, error: BaseException) -> None:
    """Record FAILURE for a task that will never run."""
    record = records.new(payloads.slim(message), queue=message.name.rpartition(".")[2])
    lifecycle.close(record, Status.FAILURE, error)


def _count(message: wire.Message) -> None:
    """Count a chord's finished part; after the last one, send the body, or fail it."""
    if message.chord is None or message.group_id is None:
        return
    counted = chords.count(message.group_id, message.task_id)
    if not counted:
        return
    try:
        following, error = _of_chord(message, message.group_id, counted)
    except wire.Malformed as malformed:
        logger.warning("a chord's body cannot be read", group_id=message.group_id, reason=str(malformed))
        return
    if following is not None:
        _send(message, following, error)
        chords.end(message.group_id)


def _of_chord(message: wire.Message, group_id: str, counted: int) -> tuple[wire.Followers | None, ChordError | None]:
    """Return the follow-up of a chord's part: nothing before the last one; the body; or its failure and the reason."""
    new_id = _ids(group_id, "chord")
    try:
        group = chords.group_of(group_id)
    except ChordError as error:
        return wire.chord_error_followers(message, new_id=new_id), error
    parts = list(wire.tree_ids(group))
    size = (message.chord or {}).get("chord_size")
    if counted < (size if isinstance(size, int) else len(parts)):
        return None, None
    found = chords.records_of(parts)
    culprit = next((part for part in parts if part not in found or _status(found[part]) in FAILED), None)
    if culprit is not None:
        return wire.chord_error_followers(message, new_id=new_id), _dependency_error(culprit, found.get(culprit))
    results = wire.join(group, lambda part: payloads.result_of(found[part]))
    return wire.chord_followers(message, results, new_id=new_id), None


def _status(record: TaskRecord) -> str:
    """Return the result in Celery's format, the only one of parts that a stock worker ran."""
    return str(wire.parse_result_meta(record.result)["status"])


def _dependency_error(task_id: str, record: TaskRecord | None) -> ChordError:
    """Return Celery's message about the part that keeps the body from running."""
    reason = NotFound("its result no longer exists") if record is None else _stored_error(record)
    return ChordError(f"Dependency {task_id} raised {reason!r}")


def _stored_error(record: TaskRecord) -> Exception:
    """Return a record's error as an exception with its name, module and arguments."""
    result = wire.parse_result_meta(record.result)["result"]
    stored = result if isinstance(result, dict) else {}
    kind = type(str(stored.get("exc_type") or "Exception"), (Exception,), {})
    kind.__module__ = str(stored.get("exc_module") or "builtins")
    kind.__qualname__ = kind.__name__
    message = stored.get("exc_message")
    error: Exception = kind(*message) if isinstance(message, list) else kind(message or "")
    return error
