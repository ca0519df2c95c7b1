"""Tasks as commands show them: in full, like the API, or as table rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from makertasks import masking, wire
from makertasks.inventory import faces
from makertasks.monitoring import views as task_views
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Columns of every list of tasks.
COLUMNS = {
    "id": "ID", "name": "NAME", "status": "STATUS", "item": "ITEM", "error": "ERROR", "about": "ERROR OR ITEM",
    "created": "CREATED", "runtime": "RUNTIME", "worker": "WORKER", "kwargs": "ARGUMENTS",
}  # fmt: skip

# Of tasks that wait for a time: that instead of when they were created.
LATER = {("later" if key == "created" else key): "RUNS AT" if key == "created" else COLUMNS[key] for key in COLUMNS}

# Shown if the terminal is wide enough, in this order of preference.
ROOM_PERMITTING = ("error", "item", "runtime", "worker", "kwargs")


def short_name(name: str | None) -> str:
    """Return a task's name without its package."""
    return str(name).rpartition(".")[2]


def detail(record: TaskRecord) -> dict[str, Any]:
    """Return all details of a task, large arguments and results included."""
    task: dict[str, Any] = {**task_views.detail(record, links=False), "kwargs": payloads.kwargs_of(record)}
    if record.status == Status.SUCCESS:
        task["result"] = masking.masked(wire.plain(payloads.result_of(record)))
    return task


def rows(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Shorten summaries for a table: the items' names, the errors' first lines, times to the second.

    Reads the items of tasks whose records have no name, 100 per request; raises TemporaryError.
    """
    listed = list(found)
    found_faces = faces.of(str(task["item_id"]) for task in listed if task["item_id"] and not task["item_name"])
    names = {item_id: face.name for item_id, face in found_faces.items()}
    return [_row(task, names) for task in listed]


def _to_the_second(moment: str | None) -> str | None:
    return moment[:19].replace("T", " ") if moment else None


def _row(task: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    runtime, item_id = task["runtime"], task["item_id"]
    item = task["item_name"] or names.get(str(item_id), item_id)
    error = f"{task['error']['type']}: {task['error']['message']}".splitlines()[0] if task["error"] else None
    return {
        **task,
        "name": short_name(task["name"]),
        "item": item,
        "error": error,
        "about": error or item,
        "created": _to_the_second(task["created"]),
        "later": _to_the_second(task["retry_at"] or task["eta"]),
        "runtime": None if runtime is None else f"{runtime:.2f} s",
    }


def read(task_id: str) -> TaskRecord:
    """Return a task's record; raises NotFound."""
    return records.get(task_id)
