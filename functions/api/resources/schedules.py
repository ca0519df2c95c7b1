"""Schedules: when they come due next, on and off, and now."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.resources.tasks import A_WAITING_TASK
from api.routing import route
from makertasks import records, schedules, task_views
from makertasks.schedules import Schedule

A_SCHEDULE = {
    "name": "update_average_lead_times",
    "description": "Computes suppliers' lead times every night",
    "expression": "cron(0 3 * * ? *)",
    "timezone": "UTC",
    "enabled": True,
    "next_run": "2026-11-23T03:00:00.000000Z",
    "task": "inventory.tasks.update_average_lead_times",
    "kwargs": {},
}

# What EventBridge Scheduler takes as a name.
ScheduleName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[0-9a-zA-Z_.-]+$",
        description="The schedule's name",
        examples=["update_average_lead_times"],
    ),
]


class ScheduleList(TypedDict):
    """Every schedule."""

    schedules: list[Schedule]


class ScheduleChange(msgspec.Struct, forbid_unknown_fields=True):
    """What of a schedule can be changed; the rest is the template's."""

    enabled: bool


@route("GET", "/v1/schedules", Role.VIEWER, tag="Schedules", example={"schedules": [A_SCHEDULE]})
def list_schedules() -> ScheduleList:
    """Every schedule, with the time of its next run."""
    return {"schedules": schedules.list_schedules()}


@route("GET", "/v1/schedules/{schedule}", Role.VIEWER, tag="Schedules", example=A_SCHEDULE)
def get_schedule(schedule: ScheduleName) -> Schedule:
    """One schedule."""
    return schedules.get(schedule)


@route(
    "PATCH",
    "/v1/schedules/{schedule}",
    Role.OPERATOR,
    tag="Schedules",
    body_example={"enabled": False},
    example=A_SCHEDULE | {"enabled": False, "next_run": None},
)
def change_schedule(schedule: ScheduleName, body: ScheduleChange, caller: Caller) -> Schedule:
    """Switch a schedule on or off, until the stack's next deployment."""
    return actions.set_schedule(caller, schedule, body.enabled)


@route(
    "POST",
    "/v1/schedules/{schedule}/run",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Schedules",
    example=A_WAITING_TASK,
)
def run_schedule(schedule: ScheduleName, caller: Caller) -> task_views.TaskDetail:
    """Submit a schedule's task now, beside its own times."""
    return task_views.detail(records.get(actions.run_schedule(caller, schedule)))
