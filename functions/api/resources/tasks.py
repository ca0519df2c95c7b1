"""Tasks: list them, get one, read its log."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from api import arguments, pagination, schemas
from api.access import Role
from api.arguments import A_NAME, A_TASK, AN_ITEM, Cursor, Limit, Moment, TaskId, TaskName, Worker
from api.routing import route
from makertasks import clock
from makertasks.errors import InvalidRequest
from makertasks.monitoring import listing, search, task_logs
from makertasks.monitoring import views as task_views
from makertasks.records import table as records
from makertasks.records.states import Status

A_SUMMARY = {
    "id": A_TASK,
    "name": A_NAME,
    "status": "SUCCESS",
    "args": [],
    "kwargs": {"item_id": AN_ITEM},
    "item_id": AN_ITEM,
    "item_name": "Safety glasses, clear",
    "queue": "generate_qr_code",
    "worker": "generate_qr_code@1f2e3d4c",
    "created": "2026-11-22T09:30:00.000000Z",
    "started": "2026-11-22T09:30:00.210000Z",
    "done": "2026-11-22T09:30:00.455000Z",
    "runtime": 0.245,
    "retries": 0,
    "error": None,
    "progress": None,
    "eta": None,
    "expires": None,
    "retry_at": None,
    "requested_by": "ann",
}
A_DETAIL = A_SUMMARY | {
    "result": {"qr_code": f"inventory/qrcodes/qr_{AN_ITEM}.png"},
    "large": {},
    "links": {},
    "traceback": None,
    "attempts": [],
    "terminate": None,
    "parent_id": None,
    "root_id": A_TASK,
    "group_id": None,
    "children": [],
    "retry_of": None,
    "retried_to": [],
    "differences": [],
}


Search = Annotated[
    str,
    Meta(
        max_length=search.MAXIMUM_CHARACTERS,
        description=f'Words, "quoted text", AND, OR, NOT, parentheses, and fields ({", ".join(search.FIELDS)})',
        examples=['status:FAILURE error:"timed out"'],
    ),
]


class TaskFilter(msgspec.Struct, forbid_unknown_fields=True):
    """Filters of tasks: all given fields must match."""

    status: Status | None = None
    name: TaskName | None = None
    item_id: Annotated[UUID, Meta(description="The inventory item of the task")] | None = None
    worker: Worker | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    q: Search | None = None
    scheduled: Annotated[bool, Meta(description="Whether the task waits for an ETA in the future")] | None = None

    def filter(self) -> listing.Filter:
        """Return the filter as listings expect it; raises InvalidRequest for an invalid time or search."""
        if self.q is not None:
            search.parse(self.q)
        begin, end = _moment("created_from", self.created_from), _moment("created_to", self.created_to)
        if begin and end and end < begin:
            raise InvalidRequest("created_to", "is before created_from")
        return listing.Filter(
            status=self.status.value if self.status else None,
            name=arguments.full_name(self.name) if self.name else None,
            item_id=str(self.item_id) if self.item_id else None,
            worker=self.worker,
            created_from=begin,
            created_to=end,
            q=self.q,
            scheduled=self.scheduled,
        )


class TaskQuery(TaskFilter, forbid_unknown_fields=True):
    """Query: the filters, and the page."""

    limit: Limit = listing.DEFAULT_LIMIT
    cursor: Cursor | None = None


A_WAITING_TASK = A_DETAIL | {
    "status": "PENDING",
    "result": None,
    "worker": None,
    "started": None,
    "done": None,
    "runtime": None,
}


class LogQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query: the number of lines."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Maximum number of lines")] = task_logs.LIMIT


SOME_LINES = {
    "lines": [
        {
            "time": "2026-11-22T09:30:00.210000Z",
            "level": "INFO",
            "message": "task started",
            "fields": {"attempt": 1, "worker": "generate_qr_code@1f2e3d4c"},
        }
    ],
    "complete": True,
}


@route("GET", "/v1/tasks", Role.VIEWER, tag="Tasks", example={"tasks": [A_SUMMARY], "cursor": None})
def list_tasks(query: TaskQuery) -> schemas.TaskList:
    """List tasks that match the filters, newest first."""
    found, cursor = pagination.task_page(query.filter(), query.limit, query.cursor)
    return {"tasks": [task_views.summary(record) for record in found], "cursor": cursor}


@route("GET", "/v1/tasks/{task_id}", Role.VIEWER, tag="Tasks", example=A_DETAIL)
def get_task(task_id: TaskId) -> task_views.TaskDetail:
    """Get a task with its result or traceback and its attempts."""
    return task_views.detail(records.get(task_id))


@route("GET", "/v1/tasks/{task_id}/logs", Role.VIEWER, tag="Tasks", example=SOME_LINES)
def get_task_logs(task_id: TaskId, query: LogQuery) -> task_logs.Lines:
    """Get the log lines that the function wrote while it ran this task."""
    return task_logs.lines(records.get(task_id), query.limit)


def _moment(field: str, text: str | None) -> str | None:
    return clock.text(arguments.moment(field, text)) if text else None
