"""Dead letters that nobody has sent again or discarded, for the dashboard, the API and the command line."""

from __future__ import annotations

import base64
import json
from collections import Counter

from makertasks import wire
from makertasks.monitoring import snapshot
from makertasks.records import table as records
from makertasks.records import unredriven
from makertasks.records.model import TaskRecord

BEGINNING = 120  # maximum characters of a message in a list
MOST_LETTERS = 100  # maximum number per queue that is shown, or sent again, at a time: one BatchGetItem


def counts() -> Counter[str]:
    """Return the number of dead letters by queue; raises Unavailable."""
    return snapshot.once(("dead-letters",), unredriven.counts)


def not_redriven(queue: str | None = None) -> tuple[list[TaskRecord], bool]:
    """Return open dead letters, newest first, at most a hundred, and whether those are all.

    Of every queue if none is given. Those that have been deleted or sent again meanwhile are removed from the list and
    the counts. Raises Unavailable.
    """
    listed = [letter for letter in unredriven.listed() if queue in {None, letter.queue}]
    shown = listed[:MOST_LETTERS]
    stored = records.get_many(wire.result_key(letter.task_id) for letter in shown)
    found: list[TaskRecord] = []
    for letter in shown:
        record = stored.get(wire.result_key(letter.task_id))
        if record is not None and record.body and not record.retried_to:
            found.append(record)
        else:
            unredriven.discard(letter)
    return found, len(listed) <= MOST_LETTERS


def readable(body: str) -> str:
    """Return a message's body as people read it: Celery's clients send base64.

    >>> readable("eyJhIjogMX0="), readable("{")
    ('{"a": 1}', '{')
    """
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:
        return body


def is_readable(record: TaskRecord) -> bool:
    """Return whether a dead letter can be decoded, so that it can be sent again as it is."""
    try:
        wire.decode(str(record.body), message_id=record.task_id, default_name=record.name)
    except wire.Malformed:
        return False
    return True


def editable(record: TaskRecord) -> str:
    """Return what a person edits before sending the message again: the task's arguments if it has no more than those.

    Anything else, such as a message that cannot be decoded, as it is.
    """
    try:
        message = wire.decode(str(record.body), message_id=record.task_id, default_name=record.name)
    except wire.Malformed:
        return readable(str(record.body))
    if message.name != record.name or message.args or message.headers or not message.kwargs:
        return readable(str(record.body))
    return json.dumps(wire.plain(message.kwargs), ensure_ascii=False, indent=2)


def beginning(record: TaskRecord) -> str:
    """Return the beginning of a dead letter, on one line."""
    return " ".join(editable(record).split())[:BEGINNING]
