"""Dead letters: messages that could not be read or recorded become FAILURE records with their body."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from makertasks import clock, masking, tasks, wire
from makertasks.aws import json_values, queues
from makertasks.errors import InvalidArguments, MakertasksError, UnknownTask
from makertasks.records import lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission.drafts import draft
from makertasks.worker import follow_ups, lost_changes

# Maximum length of a body in a record: enough to identify and resend the message. An item holds 400 KB.
KEPT_CHARACTERS = 262_144


# Statuses of a task that no worker holds.
WAITING = frozenset({Status.PENDING.value, Status.RETRY.value})
# How long a queue keeps a message (MessageRetentionPeriod in template.yaml).
KEPT = timedelta(days=14)

logger = Logger(child=True)


class DeadLetter(MakertasksError):
    """The message reached the dead-letter queue."""


def record(body: str, *, message_id: str, queue: str, sent: datetime, deliveries: int = 0) -> str:
    """Record a dead letter as FAILURE and return its task's id; raises Unavailable.

    `queue` is the short name of the source queue, empty if SQS does not report it: then the message's task determines
    it. `deliveries` is how often that queue delivered the message, 0 if that is not known. An unfinished task becomes
    FAILURE, a finished one does not change, and one whose lease has not expired is left to the sweep.
    """
    task = _task_of(queue)
    name = task.name if task else queue or records.UNKNOWN
    try:
        message = wire.decode(body, message_id=message_id, default_name=name)
        task = task or _task_of(message.name.rpartition(".")[2])
        reason = "its function was lost at each delivery of the message, before it recorded the task"
        body = _without_secrets(body, message, task.secret_arguments if task else frozenset())
    except wire.Malformed as error:
        message = wire.Message(task_id=error.task_id or message_id, name=error.name or name)
        reason, body = f"the message cannot be read: {error}", masking.text(body)
    bare = wire.Message(
        task_id=message.task_id, name=message.name, root_id=message.root_id, parent_id=message.parent_id
    )
    fresh = records.new(
        bare, queue=queue or message.name.rpartition(".")[2], created=sent, body=body[:KEPT_CHARACTERS],
        deliveries=deliveries or None,
    )  # fmt: skip
    lifecycle.close(fresh, Status.FAILURE, DeadLetter(f"gave up on a message: {reason}"))
    ended = records.get(message.task_id)
    if ended.is_final:
        follow_ups.follow(message, ended)
    return message.task_id


def _task_of(short_name: str) -> tasks.Task | None:
    """Return the task with that short name; None if there is none, or if only its queue is left."""
    try:
        return tasks.in_folder(short_name) if short_name.isidentifier() else None
    except (UnknownTask, ModuleNotFoundError, tasks.InvalidDefinition):
        return None


def _task_named(name: str) -> tasks.Task | None:
    try:
        return tasks.find(name)
    except (UnknownTask, ModuleNotFoundError, tasks.InvalidDefinition):
        return None


def _without_secrets(body: str, message: wire.Message, secret: frozenset[str]) -> str:
    """Return the body or, if it contains secrets, only the masked arguments, which cannot be resent unchanged."""
    options = wire.load_options(wire.dump_options(message))
    given = wire.plain([message.args, message.kwargs, options])
    args, kwargs, _ = masked = [masking.masked(given[0]), masking.masked(given[1], secret), masking.masked(given[2])]
    if masked == given:
        return body
    return wire.dump_value({**kwargs, **({"args": args} if args else {})})


def _record_of(message: wire.Message, task: tasks.Task | None, queue: str, sent: datetime) -> TaskRecord:
    """Return a message's PENDING record; a Celery application's task is not known here and stays as sent.

    Raises InvalidArguments and payloads.TooLarge if no function could run it.
    """
    known = task or _task_named(message.name)
    if known is not None:
        return draft(known, message, created=sent).record
    given = [message.args, message.kwargs]
    if len(wire.dump_value(given)) > payloads.INLINE_BYTES or not json_values.fits_table(wire.plain(given)):
        raise InvalidArguments("kwargs: are too large to be stored, so the message cannot be sent again")
    return records.new(message, queue=queue, created=sent)


@dataclass
class Drained:
    """Numbers of messages of the dead-letter queue by outcome."""

    recorded: int = 0
    renewed: int = 0  # sent again, with a new receive count
    failed: int = 0  # these stay in the queue


def drain(seconds: float) -> Drained:
    """Record the messages in the dead-letter queue for at most `seconds`; raises Unavailable if SQS fails.

    One that cannot be recorded stays in the queue for the next run and does not block the others.
    """
    ends, drained = time.monotonic() + seconds, Drained()
    while time.monotonic() < ends and (batch := queues.receive(queues.DEAD_LETTERS, wait=0)):
        for letter in batch:
            try:
                _take(letter, drained)
                queues.delete(queues.DEAD_LETTERS, letter.receipt_handle)
            except Exception:
                logger.exception("dead letter not recorded", message_id=letter.message_id)
                drained.failed += 1
    return drained


def _take(letter: queues.Received, drained: Drained) -> None:
    """Resend or record one message; raises Unavailable."""
    if batch := lost_changes.batch_of(letter.body):
        lost_changes.take(batch, letter.body, letter.message_id)
        drained.recorded += 1
    elif letter.source and (task_id := renew(letter.body, letter.message_id, letter.source, letter.sent)):
        logger.warning("message sent again: its function never received it", task_id=task_id, queue=letter.source)
        drained.renewed += 1
    else:
        queue = letter.source or ""
        # SQS counts the receives of all queues: the last one is this sweep's.
        task_id = record(
            letter.body, message_id=letter.message_id, queue=queue, sent=letter.sent, deliveries=letter.receives - 1
        )
        logger.error("dead letter recorded", task_id=task_id, queue=queue)
        drained.recorded += 1


def renew(body: str, message_id: str, queue: str, sent: datetime) -> str | None:
    """Resend a message that its task's function never processed: returns the task's id, or None for any other message.

    SQS counts a receive even if Lambda is at its concurrency limit and runs nothing: in a busy account, a waiting task
    would fail without having started. So a readable message is kept as long as its queue would have kept it.
    """
    task = _task_of(queue)
    try:
        message = wire.decode(body, message_id=message_id, default_name=task.name if task else queue)
        fresh = _record_of(message, task, queue, sent)
    except (wire.Malformed, InvalidArguments, payloads.TooLarge):
        return None
    stored = records.stored(message.task_id)
    if stored is None:
        lifecycle.create(fresh)  # a stock client's; its time of creation limits the number of resends
        stored = fresh
    if stored.status not in WAITING or clock.now() - clock.parse(stored.created) > KEPT:
        return None
    queues.send(queue, body)
    return message.task_id
