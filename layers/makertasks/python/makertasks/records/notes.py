"""Small items of the engine's own that stand beside the tasks in their table: `{kind}#{name}` as key, never listed.

idempotency#…   which task a caller's idempotency key stands for
bulk#…          which call of many tasks a key stands for
bulk-held#…     that a call with a key is under way
limits#…        what operators set in place of a task's own limits
rate#…          when a rate-limited task may start next, by its rate
run-now#…       the task of a schedule that was run by hand last
sweep#…         where the sweep goes on
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute

from makertasks import clock, settings
from makertasks.aws.dynamodb import ConditionFailed, JSONMap, Missing, Table, answering


class Note(Table):
    """One item. `next` is in epoch seconds; a note whose `ttl` has passed counts as gone."""

    id = UnicodeAttribute(hash_key=True)
    value = JSONMap(null=True)
    next = NumberAttribute(null=True)
    ttl = TTLAttribute(null=True)


def connect() -> None:
    """Bind the model to the table that the environment names."""
    Note.bind(settings.tasks_table())


def get(key: str) -> dict[str, Any] | None:
    """What a note says, None where there is none; raises Unavailable."""
    connect()
    try:
        with answering("the tasks table did not answer"):
            note = Note.get(key, consistent_read=True)
    except Missing:
        return None
    return None if note.ttl is not None and note.ttl <= clock.now() else note.value


def put(key: str, value: dict[str, Any], until: datetime | None = None) -> None:
    """Write a note, replacing what was there; raises Unavailable."""
    connect()
    with answering("the tasks table did not take a write"):
        Note(key, value=value, ttl=until).save()


def put_first(key: str, value: dict[str, Any], until: datetime) -> bool:
    """Write a note where there is none that counts; False where there is. Raises Unavailable."""
    connect()
    # `ttl` is kept in whole seconds: until the next one a note that ends within this second still counts.
    ended = Note.id.does_not_exist() | (Note.ttl < clock.now())
    try:
        with answering("the tasks table did not take a write"):
            Note(key, value=value, ttl=until).save(condition=ended)
    except ConditionFailed:
        return False
    return True


def delete(key: str) -> None:
    """Remove a note; removing what is not there is no error. Raises Unavailable."""
    connect()
    with answering("the tasks table did not take a write"):
        Note(key).delete()


def take_turn(key: str, now: float, interval: float, horizon: float) -> float:
    """Take the next of the turns that come every `interval` seconds: when it is, in epoch seconds.

    A turn later than `horizon` is not taken; the answer then is when it would be. Raises Unavailable.
    """
    connect()
    while True:
        for free_at, condition in (
            (now, Note.next.does_not_exist() | (Note.next <= now)),
            (None, (Note.next > now) & (Note.next <= horizon)),
        ):
            note = Note(key)
            later = Note.next.set(free_at + interval if free_at is not None else Note.next + interval)
            try:
                with answering("the tasks table did not take a write"):
                    note.update(actions=[later], condition=condition)
            except ConditionFailed:
                continue
            return float(note.next) - interval
        try:
            with answering("the tasks table did not answer"):
                note = Note.get(key, consistent_read=True)
        except Missing:
            continue
        if note.next is not None and note.next > horizon:
            return float(note.next)
