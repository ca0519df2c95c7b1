"""Schedules in words, with their next runs; run now, enable, disable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.pages import rendering
from api.pages.addresses import address
from api.requests import Request
from api.resources.schedules import ScheduleName
from api.routing import Reply, page
from makertasks import clock
from makertasks.monitoring import missed_runs, schedules

# Number of upcoming runs shown.
AHEAD = 3


class SchedulesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the list: the action that led here."""

    said: Annotated[str, Meta(max_length=40)] = ""


@page("GET", "/schedules", Role.VIEWER)
def schedules_page(caller: Caller, query: SchedulesQuery, request: Request) -> Reply:
    """Show every schedule."""
    shown = [
        {**each, "words": words(each["expression"]), "runs": runs(each) if each["enabled"] else []}
        for each in missed_runs.seen(schedules.list_schedules())
    ]
    return rendering.page(request, caller, "schedules.html", section="/schedules", schedules=shown, said=query.said)


@page("POST", "/schedules/{name}/run", Role.OPERATOR)
def run(name: ScheduleName, caller: Caller) -> Reply:
    """Submit the schedule's task now and go to it."""
    task_id = actions.run_schedule(caller, name)
    return Reply.redirect(address(f"/tasks/{rendering.segment(task_id)}", said="submitted"))


@page("POST", "/schedules/{name}/enable", Role.OPERATOR)
def enable(name: ScheduleName, caller: Caller) -> Reply:
    """Enable the schedule."""
    actions.set_schedule(caller, name, enabled=True)
    return Reply.redirect(address("/schedules", said="enabled"))


@page("POST", "/schedules/{name}/disable", Role.OPERATOR)
def disable(name: ScheduleName, caller: Caller) -> Reply:
    """Disable the schedule."""
    actions.set_schedule(caller, name, enabled=False)
    return Reply.redirect(address("/schedules", said="disabled"))


def runs(schedule: schedules.Schedule) -> list[dict[str, str]]:
    """Return the next runs, in UTC and in the schedule's own time zone."""
    found: list[dict[str, str]] = []
    zone = ZoneInfo(schedule["timezone"])
    due = clock.parse(schedule["next_run"]) if schedule["next_run"] else None
    while due and len(found) < AHEAD:
        found.append({"utc": clock.text(due), "there": due.astimezone(zone).strftime("%a %H:%M")})
        # A rate's next run is counted from the run before it.
        due = schedules.next_run(schedule["expression"], schedule["timezone"], due, due)
    return found


def words(expression: str) -> str:
    """Return an EventBridge Scheduler expression in words, or unchanged if that is not possible.

    >>> words("cron(0 3 * * ? *)"), words("rate(5 minutes)"), words("at(2026-11-22T09:30:00)")
    ('At 03:00', 'Every 5 minutes', 'Once, on 2026-11-22 at 09:30')
    """
    # Imported here because no other page needs it; it has no type annotations.
    from cron_descriptor import ExpressionDescriptor, FormatError, Options  # type: ignore[import-untyped]  # noqa: PLC0415

    kind, _, rest = expression.partition("(")
    value = rest.removesuffix(")").strip()
    if kind == "rate":
        number, _, unit = value.partition(" ")
        return f"Every {unit.rstrip('s')}" if number == "1" else f"Every {value}"
    if kind == "at":
        moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return f"Once, on {moment:%Y-%m-%d} at {moment:%H:%M}"
    options = Options()
    options.day_of_week_start_index_zero = False  # AWS counts Sunday as 1
    options.use_24hour_time_format = True
    try:
        return str(ExpressionDescriptor(f"0 {value}", options).get_description())
    except FormatError:
        return expression
