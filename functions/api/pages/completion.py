"""Suggestions of the task search box: the search language's fields, and the values of some of them."""

from __future__ import annotations

from typing import Any

from makertasks import tasks
from makertasks.records.states import Status

# The fields of `search.FIELDS`, and what they match.
FIELDS = {
    "status": "exact status",
    "name": "part of the task's name",
    "error": "text of the error",
    "args": "text of the arguments",
    "result": "text of the result",
    "item": "the item's UUID, or part of its name",
    "queue": "part of the queue's name",
    "worker": "part of the worker's name",
    "by": "who requested the task",
    "id": "beginning of the id",
    "state": "status, or a task's custom state",
    "fingerprint": "beginning of the cause's fingerprint",
}


def offered() -> dict[str, Any]:
    """Return the fields, and the values by field; the script looks up items by the API."""
    queues = sorted(tasks.queues())
    statuses = [status.value for status in Status]
    names = sorted(task.short_name for task in tasks.discover().values())
    values = {"status": statuses, "state": statuses, "name": names, "queue": queues, "worker": queues}
    return {"fields": FIELDS, "values": values}
