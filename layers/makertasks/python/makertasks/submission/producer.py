"""Submission of a task: validate its arguments, record it as PENDING, then send its message.

The record is written first, so that every accepted task is visible; if sending fails, the record becomes FAILURE with
that reason and the caller gets the error.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from makertasks import clock, tasks, wire
from makertasks.errors import InvalidArguments, InvalidRequest, Unavailable, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.records import chords, lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import delays, generations, idempotency
from makertasks.submission.drafts import Draft, draft
from makertasks.tasks import Task
from makertasks.wire import fields
from makertasks.wire.results import Tree

# Maximum `max_retries` of a call: a task that still fails has a permanent fault.
MAXIMUM_RETRIES = 100


@dataclass(frozen=True)
class Submission:
    """A submission as requested. `countdown` and the limits are in seconds; `expires` is a time or seconds from now."""

    name: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    args: Sequence[Any] = ()
    task_id: str | None = None
    countdown: float | None = None
    eta: datetime | None = None
    expires: datetime | float | None = None
    max_retries: int | None = None
    time_limit: float | None = None
    soft_time_limit: float | None = None
    requested_by: str = ""
    retry_of: str | None = None
    changes: dict[str, Any] | None = None
    parent_id: str | None = None
    root_id: str | None = None
    link: Sequence[wire.Signature] = ()  # follow-ups of a success
    link_error: Sequence[wire.Signature] = ()  # follow-ups of a failure
    chain: Sequence[wire.Signature] = ()  # the chain's next steps, in order
    ignore_result: bool = False
    headers: Mapping[str, Any] = field(default_factory=dict)  # further headers of the message


class SendFailed(Unavailable):
    """The message of a recorded task could not be sent; the task is FAILURE and may be submitted again."""


@dataclass(frozen=True)
class Accepted:
    """An accepted submission: the task's id, and its record if this call wrote or read it."""

    task_id: str
    record: TaskRecord | None = None


def submit(wanted: Submission, *, idempotency_key: str | None = None, check_items: bool = True) -> Accepted:
    """Submit one task: write its record, then send its message.

    `check_items` rejects a task for an unknown inventory item; otherwise its worker does.

    A task id that is recorded already is not an error: the first submission is kept and nothing is sent. Nor is an
    idempotency key that was used for the same task with the same arguments: that task's id is returned. Raises
    InvalidRequest (nothing written or sent) or Unavailable (recorded as FAILURE if possible).
    """
    prepared = prepare(wanted, check_items=check_items)
    if idempotency_key is not None:
        first_id = idempotency.first(idempotency_key, prepared)
        if first_id != prepared.message.task_id:
            if (first := records.stored(first_id)) is not None:
                return Accepted(first_id, first)
            # The earlier call stopped before the task was recorded.
            prepared = prepare(replace(wanted, task_id=first_id), check_items=False)
    task_id = prepared.message.task_id
    if lifecycle.create(prepared.record) or task_id != wanted.task_id:
        _send(prepared)  # an id generated here is recorded already only if the response to its own write was lost
        return Accepted(task_id, prepared.record)
    return Accepted(task_id)


def submit_canvas(canvas: wire.Signature, *, requested_by: str = "") -> Tree:
    """Send the first tasks of a canvas; returns the tree of tasks to wait for.

    Raises InvalidRequest and wire.Malformed (nothing written or sent), and Unavailable: the task whose message could
    not be sent is then FAILURE, and those after it are neither recorded nor sent.
    """
    beginning = wire.begin(canvas, new_id=lambda: str(uuid.uuid4()), now=clock.now())
    drafts = [_draft(tasks.find(message.name), message, requested_by=requested_by) for message in beginning.messages]
    for chord in beginning.chords:
        chords.begin(chord)
    for prepared in drafts:
        lifecycle.create(prepared.record)
        _send(prepared)
    return beginning.tree


def prepare(submission: Submission, *, check_items: bool = True) -> Draft:
    """Return the record and message of a validated submission; raises InvalidRequest and Unavailable."""
    task = tasks.find(submission.name)
    message = _message(task, submission)
    prepared = _draft(
        task,
        message,
        requested_by=submission.requested_by,
        retry_of=submission.retry_of,
        changes=submission.changes,
        max_retries=_checked_retries(submission.max_retries),
    )
    if task.item_arguments and prepared.record.item_id and check_items:
        item = check_item(task.item_arguments[0], prepared.record.item_id)
        prepared.record.item_name = records.item_name(str(item.name))
    return prepared


def _draft(task: Task, message: wire.Message, **attributes: Any) -> Draft:
    """Return a record and its message; raises InvalidRequest for invalid arguments."""
    try:
        return draft(task, generations.within_task(message), **attributes)
    except InvalidArguments as error:
        argument, _, reason = str(error).partition(": ")
        raise InvalidRequest(
            argument if argument in {"args", "kwargs", "options"} else f"kwargs.{argument}", reason
        ) from error
    except payloads.TooLarge as error:
        raise InvalidRequest("kwargs", str(error).partition(": ")[2]) from error


def check_item(argument: str, item_id: str) -> inventory.Item:
    """The item that a submission names; raises InvalidRequest where the inventory has no such item."""
    try:
        return inventory.get_item(item_id)
    except UnknownItem as error:
        raise unknown_item(argument, item_id) from error
    except inventory.Unreadable as error:
        raise InvalidRequest(f"kwargs.{argument}", str(error).partition(": ")[2]) from error


def unknown_item(argument: str, item_id: str) -> InvalidRequest:
    """Return the error for an item that the inventory does not have."""
    return InvalidRequest(
        f"kwargs.{argument}", f"the inventory has no item {item_id}; GET /v1/items lists those it has"
    )


def _message(task: Task, wanted: Submission) -> wire.Message:
    """Return a submission's message; raises InvalidRequest for invalid options."""
    for name in ("time_limit", "soft_time_limit"):
        tasks.check_time_limit(name, getattr(wanted, name), task.name)
    task_id = _checked_id(wanted.task_id)
    return wire.Message(
        task_id=task_id,
        name=task.name,
        args=list(wanted.args),
        kwargs=dict(wanted.kwargs),
        eta=_eta(wanted),
        expires=_expires(wanted.expires),
        time_limit=wanted.time_limit,
        soft_time_limit=wanted.soft_time_limit,
        root_id=wanted.root_id or task_id,
        parent_id=wanted.parent_id,
        origin=wanted.requested_by or None,
        callbacks=list(wanted.link) or None,
        errbacks=list(wanted.link_error) or None,
        chain=list(reversed(wanted.chain)) or None,
        ignore_result=wanted.ignore_result,
        headers=dict(wanted.headers),
    )


def _checked_id(task_id: str | None) -> str:
    if task_id is None:
        return str(uuid.uuid4())
    try:
        return fields.identifier(task_id, "task_id")
    except wire.Malformed as error:
        raise InvalidRequest("task_id", error.reason.removeprefix("task_id ")) from error


def _checked_retries(max_retries: int | None) -> int | None:
    if max_retries is not None and not 0 <= max_retries <= MAXIMUM_RETRIES:
        raise InvalidRequest("max_retries", f"{max_retries} is not between 0 and {MAXIMUM_RETRIES}")
    return max_retries


def _eta(wanted: Submission) -> datetime | None:
    if wanted.countdown is not None and wanted.eta is not None:
        raise InvalidRequest("countdown", "cannot be combined with eta; give only one of them")
    if wanted.countdown is not None:
        eta = clock.now() + _seconds("countdown", wanted.countdown)
        delays.check(eta, "countdown")
        return eta
    if wanted.eta is not None:
        delays.check(wanted.eta)
    return wanted.eta


def _expires(expires: datetime | float | None) -> datetime | None:
    if expires is None or isinstance(expires, datetime):
        return expires
    return clock.now() + _seconds("expires", expires)


def _seconds(name: str, seconds: float) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise InvalidRequest(name, f"{seconds} is not a valid number of seconds") from error


def _send(prepared: Draft) -> None:
    """Send a recorded task's message; if that fails, the record becomes FAILURE and the caller gets the error."""
    try:
        delays.send(str(prepared.record.queue), prepared.message)
    except Unavailable as error:
        reason = SendFailed(f"the task was recorded but not sent: {error}")
        lifecycle.close(prepared.record, Status.FAILURE, reason)
        raise reason from error
