"""Messages that could not be read or recorded: kept as FAILURE records with their body."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from aws_lambda_powertools import Logger

from makertasks import masking, tasks, wire
from makertasks.aws import queues
from makertasks.errors import MakertasksError, UnknownTask
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import follow_ups

# What of a dead message's body its record keeps: enough to see what it was and to send it again. An item holds 400 KB.
KEPT_CHARACTERS = 262_144


# The name of a message's task where neither its queue nor the message says it.
UNKNOWN = "unknown"

logger = Logger(child=True)


class DeadLetter(MakertasksError):
    """The message reached its dead-letter queue."""


def record(body: str, *, message_id: str, queue: str, sent: datetime) -> str:
    """Record a dead message as FAILURE and answer its task's id; raises Unavailable.

    `queue` is the short name of the queue that gave it up, empty where SQS does not say: then the message's task does.
    A task that has a record already and is not final becomes FAILURE; one that has ended stays as it is, and one whose
    worker still has time is left to the sweep.
    """
    task = _task_of(queue)
    name = task.name if task else queue or UNKNOWN
    try:
        message = wire.decode(body, message_id=message_id, default_name=name)
        task = task or _task_of(message.name.rpartition(".")[2])
        reason = "its function ended without a word each time the message was delivered, before it could be recorded"
        body = _without_secrets(body, message, task.secret_arguments if task else frozenset())
    except wire.Malformed as error:
        message = wire.Message(task_id=error.task_id or message_id, name=error.name or name)
        reason, body = f"the message cannot be read: {error}", masking.text(body)
    bare = wire.Message(
        task_id=message.task_id, name=message.name, root_id=message.root_id, parent_id=message.parent_id
    )
    fresh = records.new(bare, queue=queue or message.name.rpartition(".")[2], created=sent, body=body[:KEPT_CHARACTERS])
    lifecycle.close(fresh, Status.FAILURE, DeadLetter(f"gave up on a message: {reason}"))
    ended = records.get(message.task_id)
    if ended.is_final:
        follow_ups.follow(message, ended)
    return message.task_id


def _task_of(short_name: str) -> tasks.Task | None:
    """The task of that short name; None where there is none, or it was removed and its queue not yet."""
    try:
        return tasks.in_folder(short_name) if short_name.isidentifier() else None
    except (UnknownTask, ModuleNotFoundError, tasks.InvalidDefinition):
        return None


def _without_secrets(body: str, message: wire.Message, secret: frozenset[str]) -> str:
    """The body, or where something in it is secret the arguments alone, masked: that is not sent again as it is."""
    options = wire.load_options(wire.dump_options(message))
    given = wire.plain([message.args, message.kwargs, options])
    args, kwargs, _ = masked = [masking.masked(given[0]), masking.masked(given[1], secret), masking.masked(given[2])]
    if masked == given:
        return body
    return wire.dump_value({**kwargs, **({"args": args} if args else {})})


@dataclass
class Drained:
    """What became of the messages in the dead-letter queue."""

    recorded: int = 0
    failed: int = 0  # these stay in the queue


def drain(seconds: float) -> Drained:
    """Record the messages in the dead-letter queue for at most `seconds`; raises Unavailable where SQS refuses.

    One that cannot be recorded stays in the queue for the next run, and keeps no other one from being recorded.
    """
    ends, drained = time.monotonic() + seconds, Drained()
    while time.monotonic() < ends and (batch := queues.receive(queues.DEAD_LETTERS, wait=0)):
        for letter in batch:
            try:
                queue = letter.source or ""
                task_id = record(letter.body, message_id=letter.message_id, queue=queue, sent=letter.sent)
                queues.delete(queues.DEAD_LETTERS, letter.receipt_handle)
            except Exception:
                logger.exception("dead letter not recorded", message_id=letter.message_id)
                drained.failed += 1
            else:
                logger.error("dead letter recorded", task_id=task_id, queue=queue)
                drained.recorded += 1
    return drained
