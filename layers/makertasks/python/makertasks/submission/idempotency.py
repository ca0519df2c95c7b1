"""Idempotency keys: a caller that does not know whether it was heard asks again with its key and gets the same task.

The key stands in a note that names the task's id and tells its name and arguments by a digest. It is written before the
task's record, so whoever asks again after a break finds the id and finishes the work under it.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from makertasks import clock, settings, wire
from makertasks.errors import InvalidRequest, Unavailable
from makertasks.records import notes
from makertasks.records.table import PAYLOAD_HEADER
from makertasks.submission.drafts import Draft

MAXIMUM_CHARACTERS = 255


def first(key: str, prepared: Draft) -> str:
    """The id of the task that the key stands for: a task of another call, or this one's own.

    Where an earlier call wrote the key and no record, this one takes the id over. Raises InvalidRequest where the key
    was used for another task or other arguments, and Unavailable.
    """
    check(key)
    wanted = {"task_id": prepared.message.task_id, "digest": _digest(prepared)}
    return str(stand_for(note_of(key), wanted, "another task or other arguments")["task_id"])


def stand_for(note: str, wanted: dict[str, str], others: str) -> dict[str, str]:
    """What a key's note says: `wanted`, where the key is new, or what an earlier call with the same digest wrote.

    Raises InvalidRequest where the digest is that of `others`, and Unavailable.
    """
    if notes.put_first(note, wanted, clock.now() + timedelta(hours=settings.idempotency_hours())):
        return wanted
    known = notes.get(note)
    if known is None:
        raise Unavailable("the idempotency key's time ended just now; submit again")
    if known["digest"] != wanted["digest"]:
        raise InvalidRequest("idempotency_key", f"was used for {others}; use a new one for these")
    return known


def check(key: str) -> None:
    """Raises InvalidRequest for a key that is none."""
    if not 0 < len(key) <= MAXIMUM_CHARACTERS:
        raise InvalidRequest("idempotency_key", f"must have 1 to {MAXIMUM_CHARACTERS} characters, not {len(key)}")


def note_of(key: str, kind: str = "idempotency") -> str:
    """Where a key's note stands."""
    return f"{kind}#{hashlib.sha256(key.encode()).hexdigest()}"


def _digest(prepared: Draft) -> str:
    message = prepared.message
    pointer = message.headers.get(PAYLOAD_HEADER)
    content = pointer["key"].rpartition("-")[2] if pointer else None  # what stands before it depends on the task's id
    text = wire.dump_value([message.name, sorted(message.kwargs.items()), content])
    return hashlib.sha256(text.encode()).hexdigest()
