"""Task types: their definitions and limits."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api import actions, schemas, views
from api.access import Caller, Role
from api.arguments import A_NAME, AN_ITEM, TaskName, full_name
from api.resources.submissions import TimeLimit
from api.routing import route
from makertasks import tasks
from makertasks.monitoring import schedules

AN_ANSWER = {
    "name": A_NAME,
    "title": "Generate QR code",
    "queue": "generate_qr_code",
    "purpose": "Draw an item's QR code.",
    "arguments": {"type": "object", "properties": {"item_id": {"type": "string", "format": "uuid"}}},
    "max_retries": 3,
    "soft_time_limit": None,
    "time_limit": None,
    "rate_limit": None,
    "schedules": [],
    "item_button": {"label": "Generate QR code", "argument": "item_id"},
    "example": {"item_id": AN_ITEM},
}


Rate = Annotated[
    str,
    Meta(
        max_length=20,
        pattern=r"^[0-9]+(\.[0-9]+)?(/[smh])?$(?!\n)",
        description="Maximum rate of starts",
        examples=["10/m"],
    ),
]


class LimitsChange(msgspec.Struct, forbid_unknown_fields=True):
    """Limits to set; omitted limits do not change, null restores the definition's."""

    rate_limit: Rate | UnsetType | None = UNSET
    soft_time_limit: TimeLimit | UnsetType | None = UNSET
    time_limit: TimeLimit | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """Return the limits to change."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if value is not UNSET}


@route("GET", "/v1/task-types", Role.VIEWER, tag="Task types", example={"task_types": [AN_ANSWER]})
def list_task_types() -> schemas.TaskTypes:
    """List task types with their arguments, limits and schedules."""
    sent_by = _schedules()
    found = [task for task in tasks.discover().values() if not task.system]
    return {"task_types": [views.task_type(task, sent_by.get(task.name, [])) for task in found]}


@route("GET", "/v1/task-types/{name}", Role.VIEWER, tag="Task types", example=AN_ANSWER)
def get_task_type(name: TaskName) -> schemas.TaskType:
    """Get a task type."""
    return _answer(full_name(name))


@route(
    "PATCH",
    "/v1/task-types/{name}",
    Role.SUPERUSER,
    tag="Task types",
    body_example={"rate_limit": "10/m"},
    example=AN_ANSWER | {"rate_limit": "10/m"},
)
def change_task_type(name: TaskName, body: LimitsChange, caller: Caller) -> schemas.TaskType:
    """Set limits that override the definition's; functions apply them within five seconds."""
    name = full_name(name)
    actions.change_limits(caller, name, **body.given())
    return _answer(name)


def _answer(name: str) -> schemas.TaskType:
    return views.task_type(tasks.find(name), _schedules().get(name, []))


def _schedules() -> dict[str, list[str]]:
    """Return the names of each task's schedules by the task's name."""
    found: dict[str, list[str]] = {}
    for schedule in schedules.list_schedules():
        if schedule["task"]:
            found.setdefault(schedule["task"], []).append(schedule["name"])
    return found
