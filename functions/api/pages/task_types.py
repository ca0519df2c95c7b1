"""Task types: `GET /task-types`, and one with the form that runs it: `/task-types/{name}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from api import actions, views
from api.access import Caller, Role
from api.arguments import TaskName
from api.pages import charts, forms, item_faces, periods, rendering
from api.pages.addresses import address
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock, tasks
from makertasks.errors import InvalidRequest, NotFound, UnknownTask
from makertasks.monitoring import schedules
from makertasks.monitoring.counters import statistics
from makertasks.submission.producer import Submission
from makertasks.tasks import Task
from makertasks.worker import task_limits

# Period for which the list of types counts tasks.
COUNTED = timedelta(hours=24)
# Lines of the chart of runtimes, by percentile.
PERCENTILES = ("p50", "p95")
Sent = dict[str, Annotated[str, Meta(max_length=100_000)] | list[str]]


@page("GET", "/task-types", Role.VIEWER)
def task_types_page(caller: Caller, request: Request) -> Reply:
    """Show every task type with its totals of the last day."""
    now = clock.now()
    counted = {entry["name"]: entry for entry in statistics.summary(now - COUNTED, now)["by_name"]}
    sending = by_task()
    types = [views.task_type(task, sending.get(task.name, [])) for task in tasks.discover().values()]
    return rendering.page(
        request, caller, "task_types.html", section="/task-types", types=types, counted=counted,
        since=clock.text(now - COUNTED),
    )  # fmt: skip


@page("GET", "/task-types/{name}", Role.VIEWER)
def task_type_page(name: TaskName, caller: Caller, query: dict[str, str], request: Request) -> Reply:
    """Show one task type: arguments, limits, schedules, counts, runtimes, and the form that runs it."""
    task, now, wanted = _task(name), clock.now(), periods.RANGES["hour"]
    counted = statistics.read(now - wanted.span, now)
    figures = statistics.summary_of(counted)
    counts = [(entry["period"], entry["by_name"].get(task.name, {})) for entry in figures["series"]]
    return rendering.page(
        request,
        caller,
        "task_type.html",
        section="/task-types",
        type=views.task_type(task, by_task().get(task.name, [])),
        can_run=not task.system,
        limits=task_limits.of(task),
        said=query.get("said", ""),
        fields=item_faces.named(
            forms.fields(task.schema(), forms.sent_arguments(request.sent) or query, request.mistakes)
        ),
        counted=[entry for entry in figures["by_name"] if entry["name"] == task.name],
        chart=charts.stacked(periods.points(wanted, now, counts, name=task.name), charts.STATUSES),
        runtimes=charts.lines(periods.points(wanted, now, _runtimes(counted, task.name), name=task.name), PERCENTILES),
    )


@page("POST", "/task-types/{name}", Role.OPERATOR)
def run_page(name: TaskName, caller: Caller, form: Sent) -> Reply:
    """Submit a task with the form's arguments and go to its page; system tasks are rejected."""
    actions.check_name(_task(name).name)
    kwargs = forms.read(_task(name).schema(), form)
    submitted = actions.submit(caller, Submission(name, kwargs))
    return Reply.redirect(address(f"/tasks/{rendering.segment(submitted['id'])}", said="submitted"))


class Limits(msgspec.Struct, forbid_unknown_fields=True):
    """Form of a task's limits; an empty field restores the default."""

    rate_limit: str = ""
    soft_time_limit: str = ""
    time_limit: str = ""


@page("POST", "/task-types/{name}/limits", Role.SUPERUSER)
def set_limits(name: TaskName, caller: Caller, form: Limits) -> Reply:
    """Set the task's limits."""
    actions.change_limits(
        caller,
        _task(name).name,
        rate_limit=form.rate_limit.strip() or None,
        soft_time_limit=_seconds("soft_time_limit", form.soft_time_limit),
        time_limit=_seconds("time_limit", form.time_limit),
    )
    return Reply.redirect(address(f"/task-types/{rendering.segment(name)}", said="saved"))


def _seconds(field: str, text: str) -> float | None:
    given = text.strip()
    if given and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", given):
        raise InvalidRequest(field, f"must be a number of seconds, not {text[:20]!r}")
    return float(given) if given else None


def by_task() -> dict[str, list[str]]:
    """Return the names of the schedules that send each task."""
    found: dict[str, list[str]] = {}
    for schedule in schedules.list_schedules():
        if schedule["task"]:
            found.setdefault(schedule["task"], []).append(schedule["name"])
    return found


def _task(name: str) -> Task:
    try:
        return tasks.find(name)
    except UnknownTask as error:
        raise NotFound(str(error)) from error


def _runtimes(counted: statistics.Counted, name: str) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield a task's runtime percentiles by hour, in milliseconds."""
    for period, found in statistics.runtimes_by_period(counted, len("2026-11-22T09")).items():
        if entry := found.get(name):
            yield period, {"p50": round(entry["p50"] * 1000), "p95": round(entry["p95"] * 1000)}
