"""What the search box of tasks suggests: the search language's fields, and the values that some of them have."""

from __future__ import annotations

from typing import Any

from makertasks import tasks
from makertasks.records.states import Status

# The fields of `search.FIELDS`, and what they find.
FIELDS = {
    "status": "is",
    "name": "of the task contains",
    "error": "contains",
    "args": "contain",
    "result": "contains",
    "item": "has this UUID, or a name that contains",
    "queue": "contains",
    "worker": "contains",
    "by": "requested by",
    "id": "begins with",
    "state": "is, also of a task that sets its own",
    "fingerprint": "of the failure's cause begins with",
}


def offered() -> dict[str, Any]:
    """Return the fields, and the values by field; the script finds items by the API."""
    queues = sorted(tasks.queues())
    statuses = [status.value for status in Status]
    names = sorted(task.short_name for task in tasks.discover().values())
    values = {"status": statuses, "state": statuses, "name": names, "queue": queues, "worker": queues}
    return {"fields": FIELDS, "values": values}
