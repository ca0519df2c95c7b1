"""Views of tasks as plain JSON, for the API, the dashboard and the command line."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, TypedDict, cast

from msgspec import Meta

from makertasks import masking, tasks, wire
from makertasks.aws import bucket
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

MOST_LINKS = 100

Moment = Annotated[str, Meta(description="A time in UTC, ISO 8601", examples=["2026-11-22T09:30:00.000000Z"])]
Seconds = Annotated[float, Meta(description="Seconds")]


class TaskError(TypedDict):
    """A task's last failure. Similar failures share a fingerprint."""

    type: str
    message: str | None
    fingerprint: str | None


class Progress(TypedDict):
    """A running task's progress."""

    done: int
    total: int


class TaskSummary(TypedDict):
    """A task in a list."""

    id: str
    name: str
    status: Annotated[str, Meta(description="A status, or a running task's custom state")]
    args: list[Any]
    kwargs: dict[str, Any]
    item_id: str | None
    item_name: Annotated[str | None, Meta(description="The item's name as it was then")]
    queue: str | None
    worker: str | None
    created: Moment
    started: Moment | None
    done: Moment | None
    runtime: Seconds | None
    retries: int
    error: TaskError | None
    progress: Progress | None
    eta: Moment | None
    expires: Moment | None
    retry_at: Moment | None
    requested_by: str | None


class Attempt(TypedDict):
    """One attempt of a task."""

    start: Moment | None
    end: Moment | None
    worker: str | None
    outcome: str
    error: str | None


class Difference(TypedDict):
    """An argument that a retry changed."""

    argument: str
    before: Any
    after: Any


class LargeValue(TypedDict):
    """A link to arguments or a result that are too large for the record, valid for 15 minutes."""

    bytes: int
    link: str


class TaskDetail(TaskSummary):
    """A task with all details."""

    result: Any
    large: Annotated[
        dict[str, LargeValue],
        Meta(description="Links to `kwargs` and `result`, if they are too large for this response"),
    ]
    links: Annotated[dict[str, str], Meta(description="Presigned links to the objects that the result names")]
    traceback: str | None
    attempts: list[Attempt]
    terminate: Annotated[str | None, Meta(description="Who requested the running task's termination, and when")]
    parent_id: str | None
    root_id: str
    group_id: str | None
    children: list[Any]
    retry_of: str | None
    retried_to: list[str]
    differences: list[Difference]


def summary(record: TaskRecord) -> TaskSummary:
    """A task in a list."""
    error: TaskError | None = None
    if record.error_type:
        error = {"type": record.error_type, "message": record.error_message, "fingerprint": record.fingerprint}
    return {
        "id": record.task_id,
        "name": record.name,
        "status": record.shown_status,
        "args": record.args or [],
        "kwargs": record.kwargs,
        "item_id": record.item_id,
        "item_name": record.item_name,
        "queue": record.queue,
        "worker": record.worker,
        "created": record.created,
        "started": record.started,
        "done": record.done,
        "runtime": record.runtime,
        "retries": max(int(record.attempt or 0) - 1, 0),
        "error": error,
        "progress": cast("Progress | None", record.progress),
        "eta": record.eta,
        "expires": record.expires,
        "retry_at": record.retry_at,
        "requested_by": record.requested_by,
    }


def detail(record: TaskRecord, *, links: bool = True) -> TaskDetail:
    """Return a task with all details; `links` has the objects that its result names."""
    outcome = wire.parse_result_meta(record.result)
    large = record.payloads or {}
    has_result = record.status == Status.SUCCESS and "result" not in large
    result = masking.masked(wire.plain(outcome["result"])) if has_result else None
    return {
        **summary(record),
        "result": result,
        "large": {name: _large(pointer) for name, pointer in large.items()},
        "links": {key: bucket.link(key) for key in _keys_in(result)} if links else {},
        "traceback": outcome.get("traceback"),
        "attempts": attempts(record),
        "terminate": record.terminate,
        "parent_id": record.parent_id,
        "root_id": record.root_id or record.task_id,
        "group_id": record.group_id,
        "children": record.child_ids,
        "retry_of": record.retry_of,
        "retried_to": record.retried_to or [],
        "differences": [
            {"argument": name, "before": change.get("from"), "after": change.get("to")}
            for name, change in (getattr(record, "changes", None) or {}).items()
        ],
    }


def _large(pointer: dict[str, Any]) -> LargeValue:
    return {"bytes": int(pointer["bytes"]), "link": bucket.link(str(pointer["key"]))}


def is_made(key: str) -> bool:
    """Return whether a text is the key of an object that a task wrote: tasks declare their folders."""
    return key.startswith(_folders())


@cache
def _folders() -> tuple[str, ...]:
    return tasks.written_folders()


def _keys_in(value: Any) -> list[str]:
    """Return the keys of images and PDFs that a result names, at most a hundred."""
    if isinstance(value, str):
        return [value] if is_made(value) else []
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [key for entry in entries for key in _keys_in(entry)][:MOST_LINKS]


def attempts(record: TaskRecord) -> list[Attempt]:
    """Return every recorded attempt; an unfinished last one is made from the record's own attributes."""
    ended = cast("list[Attempt]", list(record.attempts or []))
    # A waiting task's attempts have all ended, and a task that was ended from outside may have no current one.
    if not record.started or int(record.attempt or 0) <= len(ended) or _has(ended, record.started):
        return ended
    error = f"{record.error_type}: {record.error_message}" if record.error_type else None
    last: Attempt = {
        "start": record.started,
        "end": record.done,
        "worker": record.worker,
        "outcome": record.status,
        "error": error if record.status in {Status.FAILURE, Status.REVOKED} else None,
    }
    return [*ended, last]


def _has(ended: list[Attempt], started: str) -> bool:
    """Return whether the attempt that started then is among the ended ones."""
    return bool(ended) and ended[-1]["start"] == started
