"""EventBridge Scheduler: the only module that talks to it. Names of schedules are unique within their group."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking
from makertasks.errors import NotFound

# Parameters of UpdateSchedule, which resets omitted ones.
_KEPT = (
    "ActionAfterCompletion", "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "Name",
    "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "State", "Target",
)  # fmt: skip


def names(group: str) -> list[str]:
    """Return the names of a group's schedules, sorted; raises Unavailable."""
    pages = session.client("scheduler").get_paginator("list_schedules").paginate(GroupName=group)
    with asking("the schedules could not be listed"):
        return sorted(entry["Name"] for page in pages for entry in page["Schedules"])


def get(group: str, name: str) -> dict[str, Any]:
    """Return a schedule as EventBridge Scheduler describes it; raises NotFound or Unavailable."""
    try:
        with asking(f"the schedule {name} could not be read", "ResourceNotFoundException"):
            found: dict[str, Any] = session.client("scheduler").get_schedule(Name=name, GroupName=group)
    except Answered as error:
        raise NotFound(f"there is no schedule {name} in the group {group}") from error
    return found


def update(schedule: dict[str, Any]) -> None:
    """Store a schedule that was read and then changed; raises Unavailable."""
    with asking(f"the schedule {schedule['Name']} could not be changed"):
        session.client("scheduler").update_schedule(**{key: schedule[key] for key in _KEPT if key in schedule})


def create(group: str, name: str, what: str, **settings: Any) -> None:
    """Create a schedule, unless one with its name exists. `what` names it in errors. Raises Unavailable."""
    with suppress(Answered), asking(f"{what} was refused", "ConflictException"):
        session.client("scheduler").create_schedule(Name=name, GroupName=group, **settings)


def delete(group: str, name: str, what: str) -> None:
    """Delete a schedule, if it exists. `what` names it in errors. Raises Unavailable."""
    with suppress(Answered), asking(f"{what} was not deleted", "ResourceNotFoundException"):
        session.client("scheduler").delete_schedule(Name=name, GroupName=group)
