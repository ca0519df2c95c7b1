"""Revoking tasks: at once if no worker holds them, otherwise at the next checkpoint."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from makertasks import clock, wire
from makertasks.errors import InvalidRequest, MakertasksError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import delays
from makertasks.wire import fields

# A task revoked before it has a record is remembered for longer than its queue keeps its message (14 days).
REMEMBERED = timedelta(days=15)
# The name of such a task, until its message is received.
UNKNOWN = "unknown"


class Revocation(StrEnum):
    """The outcome of a request to revoke."""

    REVOKED = "REVOKED"  # it was waiting, or its worker was lost; it is now REVOKED
    RECORDED = "RECORDED"  # it had no record; REVOKED is written, and its message will be dropped
    TERMINATING = "TERMINATING"  # it is running; it stops at its next checkpoint
    RUNNING = "RUNNING"  # it is running, and terminate was not requested: nothing changed
    ENDED = "ENDED"  # it had finished: nothing changed


class Revoked(MakertasksError):
    """The task was revoked before it started; Celery's TaskRevokedError."""


def revoke(task_id: str, *, terminate: bool = False, who: str = "", was_recorded: bool = False) -> Revocation:
    """Revoke a task, even if its message is in flight; a running one only with `terminate`.

    The revocation is final: a later message is dropped, and an attempt after a crash changes nothing. Raises NotFound
    if the task's record existed (`was_recorded`) and was deleted, InvalidRequest for an invalid id, and Unavailable.
    """
    reason = Revoked(f"revoked by {who}" if who else "revoked")
    before = records.get(task_id) if was_recorded else records.stored(task_id)
    record = _unrecorded(task_id, who) if before is None else before
    if lifecycle.close(record, Status.REVOKED, reason):
        if before is not None and delays.seconds_until(clock.parse(before.eta) if before.eta else None):
            delays.cancel(task_id)
        return Revocation.RECORDED if before is None else Revocation.REVOKED
    if terminate and lifecycle.ask_to_terminate(task_id, who):
        return Revocation.TERMINATING
    return Revocation.ENDED if records.get(task_id).is_final else Revocation.RUNNING


def _unrecorded(task_id: str, who: str) -> TaskRecord:
    """A record for a task whose message has not been received yet; raises InvalidRequest."""
    try:
        fields.identifier(task_id, "id")
    except wire.Malformed as error:
        raise InvalidRequest("id", error.reason.removeprefix("id ")) from error
    record = records.new(wire.Message(task_id=task_id, name=UNKNOWN), queue="", requested_by=who)
    record.ttl = clock.now() + REMEMBERED
    return record
