"""Finds why a task waits: a paused queue, its ETA, a retry, a rate limit, or other tasks before it."""

from __future__ import annotations

from dataclasses import dataclass

from api.pages import queues as queue_pages
from api.pages.formats import number
from api.pages.rendering import segment
from makertasks import clock, tasks
from makertasks.control.run_now import time_of
from makertasks.errors import NotFound
from makertasks.monitoring import queues
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker import task_limits


@dataclass(frozen=True)
class Reason:
    """Why a task waits: `until` is when the wait ends, `since` when the cause began.

    `way` is label and URL of a page that helps, `paused` the name of a queue that can be resumed; `can_run_now` says
    whether the user can start the task now.
    """

    text: str
    until: str | None = None
    since: str | None = None
    paused: str | None = None
    can_run_now: bool = False
    way: tuple[str, str] | None = None


def reason(record: TaskRecord) -> Reason | None:
    """Return why a task waits, None if it does not; raises Unavailable."""
    if record.status not in {Status.PENDING, Status.RETRY}:
        return None
    try:
        queue = queues.get(record.queue or "")
    except NotFound:
        return Reason("The task's queue no longer exists")
    if queue["state"] == "paused":
        return _paused(queue["name"])
    return _later(record) or _limited(record) or _behind(queue)


def _paused(name: str) -> Reason:
    pauses = [entry for entry in queue_pages.done_to(name) if entry["action"].startswith("pause")]
    way = (name, f"/queues/{segment(name)}")
    if not pauses:
        return Reason("Queue paused", paused=name, way=way)
    return Reason(f"Queue paused by {pauses[0]['who']} at", since=pauses[0]["when"], paused=name, way=way)


def _later(record: TaskRecord) -> Reason | None:
    if moment := time_of(record):
        text = "The last attempt failed; next attempt at" if record.status == Status.RETRY else "Scheduled for"
        return Reason(text, until=moment, can_run_now=True)
    if record.slot and record.slot > clock.text(clock.now()):
        return Reason(
            "Rate limit reached; starts at", until=record.slot, way=("Limits", f"/task-types/{segment(record.name)}")
        )
    return None


def _limited(record: TaskRecord) -> Reason | None:
    """Return the rate limit as a possible reason: beyond an hour ahead, it reserves no start time (`rate_limits`)."""
    task = tasks.discover().get(record.name)
    rate = task_limits.of(task).rate_limit if task else None
    if not rate:
        return None
    way = ("Limits", f"/task-types/{segment(record.name)}")
    return Reason(f"Waiting for a worker, or for the rate limit of {rate}", way=way)


def _behind(queue: queues.Queue) -> Reason:
    way = (queue["name"], f"/queues/{segment(queue['name'])}")
    most, others = queue["maximum_concurrency"], max(queue["waiting"] - 1, 0)
    if queue["state"] == "changing":
        return Reason("The queue is being paused or resumed", way=way)
    why = "Waiting for a worker"
    if most and queue["in_flight"] >= most:
        why = f"No capacity: the maximum of {number(most)} tasks of this queue is running"
    if not others:
        return Reason(why, way=way)
    return Reason(f"{why}, with about {number(others)} other {'messages' if others > 1 else 'message'}", way=way)
