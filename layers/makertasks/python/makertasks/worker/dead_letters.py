"""Messages that could not be read or recorded: kept as FAILURE records with their body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from makertasks import clock, masking, tasks, wire
from makertasks.errors import MakertasksError, UnknownTask
from makertasks.monitoring import listing
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker import follow_ups

# What of a dead message's body its record keeps: enough to see what it was and to send it again. An item holds 400 KB.
KEPT_CHARACTERS = 262_144


# How far back dead letters are looked for, and among how many failures: ten requests of a hundred records.
LOOKED_BACK = timedelta(days=14)
MOST_FAILURES = 1000
MOST_LETTERS = 100


class DeadLetter(MakertasksError):
    """The message reached its dead-letter queue."""


def record(body: str, *, message_id: str, queue: str, sent: datetime) -> str:
    """Record a dead message as FAILURE and answer its task's id; raises Unavailable.

    A task that has a record already and is not final becomes FAILURE; one that has ended stays as it is, and one whose
    worker still has time is left to the sweep.
    """
    secret: frozenset[str] = frozenset()
    try:
        task = tasks.in_folder(queue)
        name, secret = task.name, task.secret_arguments
    except (UnknownTask, ModuleNotFoundError):  # the task was removed, and its queue not yet
        name = queue
    try:
        message = wire.decode(body, message_id=message_id, default_name=name)
        reason = "its function ended without a word each time the message was delivered, before it could be recorded"
        body = _without_secrets(body, message, secret)
    except wire.Malformed as error:
        message = wire.Message(task_id=error.task_id or message_id, name=error.name or name)
        reason, body = f"the message cannot be read: {error}", masking.text(body)
    bare = wire.Message(
        task_id=message.task_id, name=message.name, root_id=message.root_id, parent_id=message.parent_id
    )
    fresh = records.new(bare, queue=queue, created=sent, body=body[:KEPT_CHARACTERS])
    lifecycle.close(fresh, Status.FAILURE, DeadLetter(f"gave up on a message: {reason}"))
    ended = records.get(message.task_id)
    if ended.is_final:
        follow_ups.follow(message, ended)
    return message.task_id


def _without_secrets(body: str, message: wire.Message, secret: frozenset[str]) -> str:
    """The body, or where something in it is secret the arguments alone, masked: that is not sent again as it is."""
    options = wire.load_options(wire.dump_options(message))
    given = wire.plain([message.args, message.kwargs, options])
    args, kwargs, _ = masked = [masking.masked(given[0]), masking.masked(given[1], secret), masking.masked(given[2])]
    if masked == given:
        return body
    return wire.dump_value({**kwargs, **({"args": args} if args else {})})


def not_redriven(queue: str) -> tuple[list[TaskRecord], bool]:
    """A queue's dead letters that were not sent again, newest first, a hundred at most; and whether that is all.

    Found among the newest thousand failures of the last 14 days. Raises Unavailable.
    """
    found: list[TaskRecord] = []
    complete = True
    for letters, is_last in _pages():
        complete = is_last
        found += [letter for letter in letters if letter.queue == queue]
        if len(found) > MOST_LETTERS:
            break
    return found[:MOST_LETTERS], complete and len(found) <= MOST_LETTERS


def counts() -> Counter[str]:
    """How many dead letters of each queue were not sent again, found as above; raises Unavailable."""
    return Counter(str(letter.queue) for letters, _ in _pages() for letter in letters)


def _pages() -> Iterator[tuple[list[TaskRecord], bool]]:
    """The dead letters of every queue, newest first, and each time whether these are the last."""
    wanted = listing.Filter(status=Status.FAILURE, created_from=clock.text(clock.now() - LOOKED_BACK))
    names = list(tasks.discover())
    cursor: str | None = None
    for _ in range(MOST_FAILURES // listing.MAXIMUM_LIMIT):
        page = listing.page(wanted, limit=listing.MAXIMUM_LIMIT, cursor=cursor, names=names)
        cursor = page.cursor
        yield [letter for letter in page.records if letter.body and not letter.retried_to], cursor is None
        if cursor is None:
            return
