"""Idempotency keys: a caller that got no response repeats the call with its key and gets the same task.

The key is stored in a note with the task's id and a digest of its name and arguments. It is written before the task's
record, so a repeated call finds the id and completes the submission under it.
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
    """Return the id of the key's task: an earlier call's, or this one's.

    If an earlier call wrote the key but no record, this one uses its id. Raises InvalidRequest if the key was used for
    another task or other arguments, and Unavailable.
    """
    check(key)
    wanted = {"task_id": prepared.message.task_id, "digest": _digest(prepared)}
    return str(stand_for(note_of(key), wanted, "another task or other arguments")["task_id"])


def stand_for(note: str, wanted: dict[str, str], others: str) -> dict[str, str]:
    """Return a key's note: `wanted` if the key is new, otherwise that of an earlier call with the same digest.

    Raises InvalidRequest if the digest differs (`others` says what it was used for), and Unavailable.
    """
    if notes.put_first(note, wanted, clock.now() + timedelta(hours=settings.idempotency_hours())):
        return wanted
    known = notes.get(note)
    if known is None:
        raise Unavailable("the idempotency key has just expired; submit again")
    if known["digest"] != wanted["digest"]:
        raise InvalidRequest("idempotency_key", f"was used for {others}; use a new one for these")
    return known


def check(key: str) -> None:
    """Raises InvalidRequest for an invalid key."""
    if not 0 < len(key) <= MAXIMUM_CHARACTERS:
        raise InvalidRequest("idempotency_key", f"must have 1 to {MAXIMUM_CHARACTERS} characters, not {len(key)}")


def note_of(key: str, kind: str = "idempotency") -> str:
    """Return the key of an idempotency key's note."""
    return f"{kind}#{hashlib.sha256(key.encode()).hexdigest()}"


def _digest(prepared: Draft) -> str:
    message = prepared.message
    pointer = message.headers.get(PAYLOAD_HEADER)
    content = pointer["key"].rpartition("-")[2] if pointer else None  # its prefix depends on the task's id
    text = wire.dump_value([message.name, sorted(message.kwargs.items()), content])
    return hashlib.sha256(text.encode()).hexdigest()
