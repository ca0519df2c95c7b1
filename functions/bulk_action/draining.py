"""Records messages whose tasks have no record (from stock Celery clients) as REVOKED, and deletes them from a queue."""

from __future__ import annotations

from collections.abc import Callable

from makertasks import tasks, wire
from makertasks.aws import queues
from makertasks.aws.queues import Received
from makertasks.control.revoking import Revoked
from makertasks.errors import InvalidArguments
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.payloads import TooLarge
from makertasks.records.states import Status
from makertasks.submission.drafts import draft
from makertasks.tasks import Task
from makertasks.worker import follow_ups

from .actions import Done

# Number of consecutive empty responses after which a queue counts as empty: SQS sometimes returns one although
# messages are waiting.
EMPTY_ANSWERS = 3


def drain(name: str, who: str, finish: Callable[[list[Done]], None]) -> None:
    """Remove every message from a queue, ten at a time; `finish` receives the outcomes of each batch.

    `name` is the name of the queue's task or of its Celery application.
    """
    served, empty = {task.name: task for task in tasks.served(name)}, 0
    first = next(iter(served.values()))
    while empty < EMPTY_ANSWERS:
        received = queues.receive(first.short_name)
        empty = 0 if received else empty + 1
        done = [each for message in received if (each := _revoke(served, first, message, who))]
        if done:
            finish(done)


def _revoke(served: dict[str, Task], first: Task, received: Received, who: str) -> Done | None:
    """Record one message as REVOKED; an unreadable one stays in the queue and becomes a dead letter."""
    try:
        message = wire.decode(received.body, message_id=received.message_id, default_name=first.name)
    except wire.Malformed:
        return None
    task = served.get(message.name, first)
    if lifecycle.close(_record(task, message), Status.REVOKED, Revoked(f"purged by {who}")):
        outcome: Done | None = Done(message.task_id, "REVOKED", "had no record")
    else:
        outcome = None
    ended = records.get(message.task_id)
    if not ended.is_final:
        return None  # a worker is running the task and will receive its message again
    follow_ups.follow(message, ended)  # no worker receives the message any more, but a chord may wait for its task
    queues.delete(task.short_name, received.receipt_handle)
    return outcome


def _record(task: Task, message: wire.Message) -> TaskRecord:
    try:
        return draft(task, message).record
    except (InvalidArguments, TooLarge):
        return records.new(wire.Message(task_id=message.task_id, name=task.name), queue=task.short_name)
