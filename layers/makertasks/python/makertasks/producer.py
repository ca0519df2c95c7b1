"""Ways in: check a task's arguments, record it PENDING, then send its message.

The record is written first, so that every accepted task can be seen; where sending fails the record becomes FAILURE
with that reason and the caller gets the error.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from makertasks import clock, inventory, lifecycle, queues, records, tasks, wire
from makertasks.errors import InvalidArguments, InvalidRequest, Unavailable, UnknownItem
from makertasks.states import Status


@dataclass(frozen=True)
class Submission:
    """What a caller asks for."""

    name: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    args: Sequence[Any] = ()
    task_id: str | None = None
    eta: datetime | None = None
    expires: datetime | None = None
    requested_by: str = ""
    retry_of: str | None = None
    parent_id: str | None = None
    root_id: str | None = None


def submit(
    name: str, kwargs: Mapping[str, Any], *, task_id: str | None = None, requested_by: str = "", **options: Any
) -> str:
    """Accept one task and answer its id; `options` are the other fields of Submission.

    A task id that is recorded already is no error: the first submission stands and nothing is sent again.
    Raises InvalidRequest (nothing written or sent) or Unavailable (recorded as FAILURE where it could be).
    """
    submission = Submission(name, kwargs, task_id=task_id, requested_by=requested_by, **options)
    record, message = prepare(submission)
    if lifecycle.create(record):
        _send(record, message)
    return message.task_id


def prepare(submission: Submission, *, check_items: bool = True) -> tuple[records.TaskRecord, wire.Message]:
    """The record and the message of a submission whose arguments fit; raises InvalidRequest."""
    task = tasks.find(submission.name)
    try:
        kwargs = task.bind(submission.args, submission.kwargs)
    except InvalidArguments as error:
        argument, _, reason = str(error).partition(": ")
        raise InvalidRequest(argument if argument in {"args", "kwargs"} else f"kwargs.{argument}", reason) from error
    item_id = next((kwargs[name] for name in task.item_arguments if name in kwargs), None)
    if item_id and check_items:
        check_item(task.item_arguments[0], item_id)
    task_id = submission.task_id or str(uuid.uuid4())
    message = wire.Message(
        task_id=task_id,
        name=submission.name,
        args=[],
        kwargs=kwargs,
        eta=submission.eta,
        expires=submission.expires,
        root_id=submission.root_id or task_id,
        parent_id=submission.parent_id,
        origin=submission.requested_by or None,
    )
    record = records.new(
        message,
        queue=task.short_name,
        item_id=item_id,
        requested_by=submission.requested_by,
        retry_of=submission.retry_of,
    )
    return record, message


def check_item(argument: str, item_id: str) -> None:
    """Raises InvalidRequest where the inventory has no such item."""
    try:
        inventory.get_item(item_id)
    except UnknownItem as error:
        reason = f"the inventory has no item {item_id}; GET /v1/items lists those it has"
        raise InvalidRequest(f"kwargs.{argument}", reason) from error


def _send(record: records.TaskRecord, message: wire.Message) -> None:
    queue = str(record.queue)
    delay = (message.eta - clock.now()).total_seconds() if message.eta else 0
    try:
        queues.send(queue, wire.encode(message, queues.name_of(queue)), delay)
    except Unavailable as error:
        lifecycle.close(record, Status.FAILURE, SendFailed(f"the task was recorded but not sent: {error}"))
        raise


class SendFailed(Unavailable):
    """The message of a recorded task could not be sent; the task is FAILURE and may be submitted again."""
