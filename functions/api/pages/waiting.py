"""Why a task waits: its queue is paused, its time has not come, it is to be retried, limited, or others come first."""

from __future__ import annotations

from dataclasses import dataclass

from api.pages import queues as queue_pages
from api.pages.formats import number
from makertasks import clock
from makertasks.errors import NotFound
from makertasks.monitoring import queues
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status


@dataclass(frozen=True)
class Reason:
    """Why a task waits; `until` is when that ends, `since` when it began, `paused` the queue that can be resumed."""

    text: str
    until: str | None = None
    since: str | None = None
    paused: str | None = None


def reason(record: TaskRecord) -> Reason | None:
    """Return why a task waits, None for one that does not; raises Unavailable."""
    if record.status not in {Status.PENDING, Status.RETRY}:
        return None
    try:
        queue = queues.get(record.queue or "")
    except NotFound:
        return Reason("Its queue no longer exists")
    if queue["state"] == "paused":
        return _paused(queue["name"])
    return _later(record) or _behind(queue)


def _paused(name: str) -> Reason:
    pauses = [entry for entry in queue_pages.done_to(name) if entry["action"].startswith("pause")]
    if not pauses:
        return Reason("Queue paused", paused=name)
    return Reason(f"Queue paused by {pauses[0]['who']}", since=pauses[0]["when"], paused=name)


def _later(record: TaskRecord) -> Reason | None:
    present = clock.text(clock.now())
    times = (
        ("Scheduled", record.eta),
        ("The last attempt failed; retry", record.retry_at),
        ("Rate limit reached; start", record.slot),
    )
    return next((Reason(text, until=moment) for text, moment in times if moment and moment > present), None)


def _behind(queue: queues.Queue) -> Reason:
    others = max(queue["waiting"] - 1, 0)
    if queue["state"] == "changing":
        return Reason("The queue is being paused or resumed")
    if not others:
        return Reason("Waiting for a worker")
    return Reason(f"Waiting for a worker, with about {number(others)} other {'messages' if others > 1 else 'message'}")
