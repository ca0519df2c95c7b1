"""The list of tasks: `GET /tasks`, the whole page or, for a live update, only its rows."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from http import HTTPStatus

from api.access import Caller, Role
from api.pages import calendar, form_errors, rendering, task_lists
from api.pages.task_lists import ListQuery, TaskList
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock, tasks
from makertasks.errors import InvalidRequest
from makertasks.records.states import Status

# Seconds between two live updates of a list.
REFRESH_SECONDS = 5
# Maximum number of rows that an open page refreshes.
ROWS = 25


@page("GET", "/tasks", Role.VIEWER)
def list_page(caller: Caller, query: ListQuery, request: Request) -> Reply:
    """Tasks with filters, search, drill-down and pages."""
    if rendering.is_update(request):
        return _update(caller, query, request)
    mistakes, found = dict(request.mistakes), TaskList()
    try:
        # With an invalid filter nothing is listed, so that no action applies to unintended tasks.
        found = found if mistakes.keys() & set(query.__struct_fields__) else task_lists.find(query)
    except InvalidRequest as error:
        mistakes |= form_errors.mistakes_of(error)
    today = clock.now().date()
    return rendering.page(
        request,
        caller,
        "tasks.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK,
        section="/tasks",
        found=found,
        held=[],
        query=query,
        mistakes=mistakes,
        names=list(tasks.discover()),
        statuses=list(Status),
        calendar=calendar.calendar(query.created_from, query.created_to, query.status, query.name),
        quick=calendar.quick(today.isoformat(), (today - timedelta(days=6)).isoformat()),
        digest=digest(found, 0),
        fresh=0,
        every=REFRESH_SECONDS,
        said=query.said,
    )


def _update(caller: Caller, query: ListQuery, request: Request) -> Reply:
    """Return the current rows: in the same order while the reader points at one, else a new page."""
    found, fresh = task_lists.find(query), 0
    shown = query.shown.split(",") if query.shown else []
    if shown:
        fresh = len({row["id"] for row in found.rows} - set(shown))
        found.rows = task_lists.again(shown[:ROWS])
    if digest(found, fresh) == query.known:
        return Reply("", HTTPStatus.NO_CONTENT)
    return rendering.page(
        request, caller, "task_rows.html", section="/tasks", found=found, query=query, fresh=fresh,
        digest=digest(found, fresh), every=REFRESH_SECONDS, mistakes={},
    )  # fmt: skip


def digest(found: TaskList, fresh: int) -> str:
    """Return a digest that changes with anything that a list shows."""
    shown = [(row["id"], row["status"], row["done"], row["worker"], row["progress"]) for row in found.rows]
    return hashlib.sha256(repr((shown, fresh)).encode()).hexdigest()[:12]
