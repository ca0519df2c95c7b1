"""Start a scheduled task, or a task's next attempt, now instead of at its time."""

from __future__ import annotations

from dataclasses import replace

from makertasks import clock, masking, wire
from makertasks.errors import InvalidRequest, NotFound
from makertasks.records import lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import delays


def time_of(record: TaskRecord) -> str | None:
    """Return the future time for which a task waits, None if there is none."""
    moment = {Status.PENDING: record.eta, Status.RETRY: record.retry_at}.get(Status(record.status))
    return moment if moment and moment > clock.text(clock.now()) else None


def run_now(task_id: str) -> None:
    """Send a message that may start at once; the waiting one is dropped later, like any duplicate.

    Raises NotFound, Unavailable, and InvalidRequest for a task that does not wait for a time, or whose secret arguments
    only the waiting message has.
    """
    record = records.get(task_id)
    if time_of(record) is None:
        raise InvalidRequest("id", f"task {task_id} is {record.status} and is not scheduled for a later time")
    try:
        message = payloads.whole(records.message_of(record))
    except (wire.Malformed, NotFound) as error:
        raise InvalidRequest("id", f"the arguments of task {task_id} cannot be read: {error}") from error
    if masking.hides(message.kwargs):
        raise InvalidRequest(
            "id", "the task has secret arguments, which are not stored; it can run only at its scheduled time"
        )
    if not lifecycle.bring_forward(record):
        raise InvalidRequest("id", f"task {task_id} has changed in the meantime; check its status again")
    delays.send(str(record.queue), replace(message, eta=None))
    delays.cancel(task_id)
