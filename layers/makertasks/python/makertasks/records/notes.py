"""Small items of the engine's own that stand beside the tasks in their table: `{kind}#{name}` as key, never listed.

idempotency#…   which task a caller's idempotency key stands for
bulk#…          which call of many tasks a key stands for
bulk-held#…     that a call with a key is under way
limits#…        what operators set in place of a task's own limits
rate#…          when a rate-limited task may start next
sweep#…         where the sweep goes on
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, PynamoDBException, UpdateError
from pynamodb.models import Model

from makertasks import clock, settings
from makertasks.aws.dynamodb import is_refused
from makertasks.aws.json_attributes import JSONMap
from makertasks.errors import Unavailable


class Note(Model):
    """One item. `next` is in epoch seconds; a note whose `ttl` has passed counts as gone."""

    class Meta:
        table_name = ""  # set by connect()
        connect_timeout_seconds = 3
        read_timeout_seconds = 10

    id = UnicodeAttribute(hash_key=True)
    value = JSONMap(null=True)
    next = NumberAttribute(null=True)
    ttl = TTLAttribute(null=True)


def connect() -> None:
    """Bind the model to the table that the environment names."""
    Note.Meta.table_name = settings.tasks_table()


def get(key: str) -> dict[str, Any] | None:
    """What a note says, None where there is none; raises Unavailable."""
    connect()
    try:
        note = Note.get(key, consistent_read=True)
    except DoesNotExist:
        return None
    except PynamoDBException as error:
        raise Unavailable(f"the tasks table did not answer: {error}") from error
    return None if note.ttl is not None and note.ttl <= clock.now() else note.value


def put(key: str, value: dict[str, Any], until: datetime | None = None) -> None:
    """Write a note, replacing what was there; raises Unavailable."""
    connect()
    try:
        Note(key, value=value, ttl=until).save()
    except PutError as error:
        raise Unavailable(f"the tasks table did not take a write: {error}") from error


def put_first(key: str, value: dict[str, Any], until: datetime) -> bool:
    """Write a note where there is none that counts; False where there is. Raises Unavailable."""
    connect()
    # `ttl` is kept in whole seconds: until the next one a note that ends within this second still counts.
    ended = Note.id.does_not_exist() | (Note.ttl < clock.now())
    try:
        Note(key, value=value, ttl=until).save(condition=ended)
    except PutError as error:
        if is_refused(error):
            return False
        raise Unavailable(f"the tasks table did not take a write: {error}") from error
    return True


def delete(key: str) -> None:
    """Remove a note; removing what is not there is no error. Raises Unavailable."""
    connect()
    try:
        Note(key).delete()
    except DeleteError as error:
        raise Unavailable(f"the tasks table did not take a write: {error}") from error


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
                note.update(actions=[later], condition=condition)
            except UpdateError as error:
                if not is_refused(error):
                    raise Unavailable(f"the tasks table did not take a write: {error}") from error
            else:
                return float(note.next) - interval
        try:
            note = Note.get(key, consistent_read=True)
        except DoesNotExist:
            continue
        except PynamoDBException as error:
            raise Unavailable(f"the tasks table did not answer: {error}") from error
        if note.next is not None and note.next > horizon:
            return float(note.next)
