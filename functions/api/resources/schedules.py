"""Schedules: list, enable, disable, run now."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.resources.tasks import A_WAITING_TASK
from api.routing import route
from makertasks.monitoring import missed_runs, schedules
from makertasks.monitoring import views as task_views
from makertasks.monitoring.missed_runs import SeenSchedule
from makertasks.records import table as records

A_SCHEDULE = {
    "name": "update_average_lead_times",
    "description": "Computes suppliers' lead times every night",
    "expression": "cron(0 3 * * ? *)",
    "timezone": "UTC",
    "enabled": True,
    "next_run": "2026-11-23T03:00:00.000000Z",
    "changed": "2026-11-01T09:00:00.000000Z",
    "task": "inventory.tasks.update_average_lead_times",
    "task_id": "lead-times-<aws.scheduler.scheduled-time>",
    "args": [],
    "kwargs": {},
    "missed": ["2026-11-20T03:00:00.000000Z"],
}

# The names that EventBridge Scheduler accepts.
ScheduleName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[0-9a-zA-Z_.-]+$(?!\n)",
        description="The schedule's name",
        examples=["update_average_lead_times"],
    ),
]


class ScheduleList(TypedDict):
    """Every schedule."""

    schedules: list[SeenSchedule]


class ScheduleChange(msgspec.Struct, forbid_unknown_fields=True):
    """The attributes of a schedule that can be changed; the template sets the others."""

    enabled: bool


@route("GET", "/v1/schedules", Role.VIEWER, tag="Schedules", example={"schedules": [A_SCHEDULE]})
def list_schedules() -> ScheduleList:
    """List schedules, with the next run and the missed runs of the last week."""
    return {"schedules": missed_runs.seen(schedules.list_schedules())}


@route("GET", "/v1/schedules/{schedule}", Role.VIEWER, tag="Schedules", example=A_SCHEDULE)
def get_schedule(schedule: ScheduleName) -> SeenSchedule:
    """Get a schedule."""
    return missed_runs.seen([schedules.get(schedule)])[0]


@route(
    "PATCH",
    "/v1/schedules/{schedule}",
    Role.OPERATOR,
    tag="Schedules",
    body_example={"enabled": False},
    example=A_SCHEDULE | {"enabled": False, "next_run": None, "missed": []},
)
def change_schedule(schedule: ScheduleName, body: ScheduleChange, caller: Caller) -> SeenSchedule:
    """Enable or disable a schedule."""
    return missed_runs.seen([actions.set_schedule(caller, schedule, body.enabled)])[0]


@route(
    "POST",
    "/v1/schedules/{schedule}/run",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Schedules",
    example=A_WAITING_TASK,
)
def run_schedule(schedule: ScheduleName, caller: Caller) -> task_views.TaskDetail:
    """Submit a schedule's task now, in addition to its scheduled runs."""
    return task_views.detail(records.get(actions.run_schedule(caller, schedule)))
