"""Bulk submissions under a key: whoever makes the call again gets the same tasks, and one call at a time makes them.

bulk#{key}        which call the key stands for: the tasks' ids follow from its id
bulk-held#{key}   that a call is at it, until when
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from makertasks import clock
from makertasks.errors import InvalidRequest, Unavailable
from makertasks.records import notes
from makertasks.submission import idempotency
from makertasks.submission.producer import Submission

NAMESPACE = uuid.UUID("7a0c9f4e-7f0b-4a55-8b6e-5f3f1f0e9b2d")  # of ids that follow from a call and a place
# A call that broke off keeps others from its key for so long, and one that goes on holds it anew when a part is over.
HELD = timedelta(seconds=75)
RENEWED_AFTER = timedelta(seconds=15)
# No write begins that could still be under way when the time ends: `aws.CONFIG` tries three times, 13 s each.
LONGEST_WRITE = timedelta(seconds=45)


@dataclass
class Call:
    """A call that holds its key."""

    key: str
    call_id: str = ""
    ends: datetime = field(default_factory=lambda: clock.now() + HELD)
    _lock: Lock = field(default_factory=Lock)

    def task_id(self, place: int) -> str:
        """The id of the task at a place of the call."""
        return str(uuid.uuid5(NAMESPACE, f"{self.call_id}/{place}"))

    def may_write(self) -> bool:
        """Whether the call still holds its key for long enough; holds it anew now and then. Raises Unavailable."""
        with self._lock:
            left = self.ends - clock.now()
            if left < LONGEST_WRITE:
                return False
            if left < HELD - RENEWED_AFTER:
                ends = clock.now() + HELD
                notes.put(_held(self.key), {"until": clock.text(ends)}, ends)
                self.ends = ends
            return True


@contextmanager
def holding(key: str, submissions: Sequence[Submission]) -> Iterator[Call]:
    """Hold a key while a call is at it.

    Raises InvalidRequest where another call holds it, or where it stands for other tasks, and Unavailable.
    """
    idempotency.check(key)
    call = Call(key)
    if not notes.put_first(_held(key), {"until": clock.text(call.ends)}, call.ends):
        until = (notes.get(_held(key)) or {}).get("until", "a moment")
        raise InvalidRequest("idempotency_key", f"a call with this key is under way; call again after {until}")
    try:
        call.call_id = _call_id(key, submissions)
        yield call
    finally:
        with suppress(Unavailable):  # the time ends by itself
            notes.delete(_held(key))


def _call_id(key: str, submissions: Sequence[Submission]) -> str:
    """The id of the call that the key stands for: of an earlier one, or of this one."""
    wanted = [(each.name, each.task_id, list(each.args), sorted(each.kwargs.items())) for each in submissions]
    digest = hashlib.sha256(repr(wanted).encode()).hexdigest()
    first = {"call": str(uuid.uuid4()), "digest": digest}
    return str(idempotency.stand_for(idempotency.note_of(key, "bulk"), first, "other tasks")["call"])


def _held(key: str) -> str:
    return idempotency.note_of(key, "bulk-held")
