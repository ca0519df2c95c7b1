"""The engine's own small items in the tasks table: key `{kind}#{name}`, never listed.

idempotency#…   the task of an idempotency key
bulk#…          the bulk call of an idempotency key
bulk-held#…     the lock of a bulk call's key
limits#…        limits that override a task's own
rate#…          when a rate-limited task may start next, by rate
run-now#…       the task of a schedule's last manual run
sweep#…         where the sweep continues
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
    """Return the model, bound to the table that the environment names."""
    Note.bind(settings.tasks_table())


def get(key: str) -> dict[str, Any] | None:
    """Return a note's content, None if there is none; raises Unavailable."""
    connect()
    try:
        with answering("the tasks table did not respond"):
            note = Note.get(key, consistent_read=True)
    except Missing:
        return None
    return None if note.ttl is not None and note.ttl <= clock.now() else note.value


def put(key: str, value: dict[str, Any], until: datetime | None = None) -> None:
    """Write or replace a note; raises Unavailable."""
    connect()
    with answering("the tasks table could not be written"):
        Note(key, value=value, ttl=until).save()


def put_first(key: str, value: dict[str, Any], until: datetime) -> bool:
    """Write a note unless a valid one exists; False if it does. Raises Unavailable."""
    connect()
    # `ttl` is in whole seconds, so a note that expires within this second is still valid.
    ended = Note.id.does_not_exist() | (Note.ttl < clock.now())
    try:
        with answering("the tasks table could not be written"):
            Note(key, value=value, ttl=until).save(condition=ended)
    except ConditionFailed:
        return False
    return True


def delete(key: str) -> None:
    """Delete a note, if it exists; raises Unavailable."""
    connect()
    with answering("the tasks table could not be written"):
        Note(key).delete()


def take_turn(key: str, now: float, interval: float, horizon: float) -> float:
    """Reserve the next start time, at intervals of `interval` seconds, and return it in epoch seconds.

    A time later than `horizon` is returned but not reserved. Raises Unavailable.
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
                with answering("the tasks table could not be written"):
                    note.update(actions=[later], condition=condition)
            except ConditionFailed:
                continue
            return float(note.next) - interval
        try:
            with answering("the tasks table did not respond"):
                note = Note.get(key, consistent_read=True)
        except Missing:
            continue
        if note.next is not None and note.next > horizon:
            return float(note.next)
