"""Tasks as commands show them: complete, as the API does, or as table rows."""

from __future__ import annotations

from typing import Any

from makertasks import masking
from makertasks.monitoring import views as task_views
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Columns of every list of tasks.
COLUMNS = {
    "id": "ID", "name": "NAME", "status": "STATUS", "created": "CREATED", "runtime": "RUNTIME", "worker": "WORKER",
    "kwargs": "ARGUMENTS",
}  # fmt: skip


# Shown if the terminal is wide enough, in this order of preference.
ROOM_PERMITTING = ("runtime", "kwargs", "worker")


def short_name(name: str | None) -> str:
    """Return a task's name without its package."""
    return str(name).rpartition(".")[2]


def detail(record: TaskRecord) -> dict[str, Any]:
    """Return all details of a task, large arguments and results included."""
    task: dict[str, Any] = {**task_views.detail(record, links=False), "kwargs": payloads.kwargs_of(record)}
    if record.status == Status.SUCCESS:
        task["result"] = masking.masked(payloads.result_of(record))
    return task


def row(task: dict[str, Any]) -> dict[str, Any]:
    """Shorten a summary for a table: the task's short name, times to the second."""
    short = {"name": short_name(task["name"]), "created": str(task["created"])[:19].replace("T", " ")}
    runtime = task["runtime"]
    return {**task, **short, "runtime": None if runtime is None else f"{runtime:.2f} s"}


def read(task_id: str) -> TaskRecord:
    """Return a task's record; raises NotFound."""
    return records.get(task_id)
