"""Bulk submissions with an idempotency key: repeating a call returns the same tasks, and only one call at a time runs.

bulk#{key}        the key's first call; the tasks' ids are derived from its id
bulk-held#{key}   the lock of a running call, and its expiry
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

NAMESPACE = uuid.UUID("7a0c9f4e-7f0b-4a55-8b6e-5f3f1f0e9b2d")  # of ids derived from a call and an index
# A call locks its key for this long, and a running one renews the lock whenever RENEWED_AFTER has passed.
HELD = timedelta(seconds=75)
RENEWED_AFTER = timedelta(seconds=15)
# No write starts that could outlast the lock: `aws.CONFIG` makes three attempts of 13 s.
LONGEST_WRITE = timedelta(seconds=45)


@dataclass
class Call:
    """A call that has locked its key."""

    key: str
    call_id: str = ""
    ends: datetime = field(default_factory=lambda: clock.now() + HELD)
    _lock: Lock = field(default_factory=Lock)

    def task_id(self, place: int) -> str:
        """Return the id of the task at an index of the call."""
        return str(uuid.uuid5(NAMESPACE, f"{self.call_id}/{place}"))

    def may_write(self) -> bool:
        """Return whether the call's lock lasts long enough; renews it at intervals. Raises Unavailable."""
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
    """Lock an idempotency key for one call.

    Raises InvalidRequest if another call has locked it, or if it was used for other tasks, and Unavailable.
    """
    idempotency.check(key)
    call = Call(key)
    if not notes.put_first(_held(key), {"until": clock.text(call.ends)}, call.ends):
        until = (notes.get(_held(key)) or {}).get("until", "a moment")
        raise InvalidRequest("idempotency_key", f"a call with this key is in progress; retry after {until}")
    try:
        call.call_id = _call_id(key, submissions)
        yield call
    finally:
        with suppress(Unavailable):  # the lock expires by itself
            notes.delete(_held(key))


def _call_id(key: str, submissions: Sequence[Submission]) -> str:
    """Return the id of the key's first call: an earlier one, or this one."""
    wanted = [(each.name, each.task_id, list(each.args), sorted(each.kwargs.items())) for each in submissions]
    digest = hashlib.sha256(repr(wanted).encode()).hexdigest()
    first = {"call": str(uuid.uuid4()), "digest": digest}
    return str(idempotency.stand_for(idempotency.note_of(key, "bulk"), first, "other tasks")["call"])


def _held(key: str) -> str:
    return idempotency.note_of(key, "bulk-held")
