"""Records as commands show them: plain JSON, and lines for people."""

from __future__ import annotations

from typing import Any

from makertasks import payloads, records, wire
from makertasks.records import TaskRecord
from makertasks.states import Status

# Columns of every list of tasks.
COLUMNS = {
    "id": "ID", "name": "NAME", "status": "STATUS", "created": "CREATED", "runtime": "RUNTIME", "worker": "WORKER",
    "kwargs": "ARGUMENTS",
}  # fmt: skip


def summary(record: TaskRecord) -> dict[str, Any]:
    """A task in a list."""
    return {
        "id": record.task_id,
        "name": record.name,
        "status": record.status,
        "args": record.args or [],
        "kwargs": record.kwargs,
        "item_id": record.item_id,
        "queue": record.queue,
        "worker": record.worker,
        "created": record.created,
        "started": record.started,
        "done": record.done,
        "runtime": record.runtime,
        "eta": record.eta,
        "retry_at": record.retry_at,
        "expires": record.expires,
        "attempt": int(record.attempt or 0),
        "error": f"{record.error_type}: {record.error_message}" if record.error_type else None,
        "progress": record.progress,
        "requested_by": record.requested_by,
    }


def detail(record: TaskRecord) -> dict[str, Any]:
    """One task with everything there is about it."""
    outcome = wire.parse_result_meta(record.result)
    return {
        **summary(record),
        "kwargs": payloads.kwargs_of(record),
        "result": payloads.result_of(record) if record.status == Status.SUCCESS else None,
        "traceback": outcome.get("traceback"),
        "attempts": record.attempts or [],
        "parent_id": record.parent_id,
        "root_id": record.root_id or record.task_id,
        "group_id": record.group_id,
        "children": record.child_ids,
        "retry_of": record.retry_of,
        "retried_to": record.retried_to or [],
    }


def row(task: dict[str, Any]) -> dict[str, Any]:
    """A summary shortened for a table: the task's short name, times to the second."""
    short = {"name": str(task["name"]).rpartition(".")[2], "created": str(task["created"])[:19].replace("T", " ")}
    runtime = task["runtime"]
    return {**task, **short, "runtime": None if runtime is None else f"{runtime:.2f} s"}


def read(task_id: str) -> TaskRecord:
    """A task's record; raises NotFound."""
    return records.get(task_id)
