"""The kinds of tasks there are, from their own code."""

from __future__ import annotations

from api import shapes, views
from api.access import Role
from api.arguments import A_NAME
from api.routing import route
from makertasks import tasks

AN_ANSWER = {
    "name": A_NAME,
    "queue": "generate_qr_code",
    "purpose": "Draw an item's QR code.",
    "arguments": {"type": "object", "properties": {"item_id": {"type": "string", "format": "uuid"}}},
    "max_retries": 3,
    "soft_time_limit": None,
    "time_limit": None,
    "rate_limit": None,
    "schedules": [],
}


@route("GET", "/v1/task-types", Role.VIEWER, tag="Task types", example={"task_types": [AN_ANSWER]})
def list_task_types() -> shapes.TaskTypes:
    """Every task there is, with its arguments and limits."""
    return {"task_types": [views.task_type(task, []) for task in tasks.discover().values()]}
