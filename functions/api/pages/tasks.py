"""The list of tasks: `GET /tasks` returns the whole page or, for a live update, only its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from api.access import Caller, Role
from api.pages import calendar, completion, filter_counts, form_errors, item_faces, rendering, task_lists
from api.pages.calendar import Calendar, Period
from api.pages.filter_counts import Counts
from api.pages.task_lists import ListQuery, TaskList
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock, tasks
from makertasks.errors import InvalidRequest
from makertasks.monitoring import snapshot
from makertasks.records.states import Status

# Seconds between two live updates of a list.
REFRESH_SECONDS = 5
# Maximum number of rows that a live update refreshes; a search that continues by itself may have appended more.
ROWS = 50
# Concurrent requests to AWS; they wait for the network, not for the processor.
AT_A_TIME = 3


@dataclass(frozen=True)
class Shown:
    """Content of the list's page: the tasks, the drill-down, and the counts of the filters."""

    found: TaskList = field(default_factory=TaskList)
    calendar: Calendar = field(default_factory=lambda: calendar.calendar("", ""))
    counts: Counts | None = None
    quick: list[Period] = field(default_factory=lambda: list(_quick()))

    @classmethod
    def of(cls, query: ListQuery, mistakes: dict[str, str]) -> Shown:
        """Read the content with concurrent requests; add errors in the query to `mistakes`. Raises Unavailable."""
        try:
            filters = query.filters() | ({"name": name} if (name := task_lists.wanted(query).name) else {})
            period = filters.get("created_from", ""), filters.get("created_to", "")
            with snapshot.threads(AT_A_TIME) as pool:
                found = pool.submit(task_lists.find, query)
                drilled = pool.submit(calendar.calendar, *period, filters.get("status", ""), filters.get("name", ""))
                counts, quick = pool.submit(filter_counts.read, filters, _quick()).result()
            return cls(found.result(), drilled.result(), counts, quick)
        except InvalidRequest as error:
            mistakes |= form_errors.mistakes_of(error)
            return cls()


def _quick() -> Iterable[Period]:
    today = clock.now().date()
    return calendar.quick(today.isoformat(), (today - timedelta(days=6)).isoformat())


@page("GET", "/tasks", Role.VIEWER)
def list_page(caller: Caller, query: ListQuery, request: Request) -> Reply:
    """Show the list of tasks with filters, search and drill-down, or update its rows."""
    if rendering.is_update(request):
        return _update(caller, query, request)
    mistakes = dict(request.mistakes)
    # With an invalid filter, list nothing, so that no action applies to unintended tasks.
    shown = Shown() if mistakes.keys() & set(query.__struct_fields__) else Shown.of(query, mistakes)
    return rendering.page(
        request,
        caller,
        "tasks.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK,
        section="/tasks",
        found=shown.found,
        query=query,
        mistakes=mistakes,
        names=list(tasks.discover()),
        completion=completion.offered(),
        statuses=list(Status),
        calendar=shown.calendar,
        counts=shown.counts,
        total=shown.counts.total if shown.counts else shown.found.total,
        quick=shown.quick,
        digest=digest(shown.found, 0),
        fresh=0,
        item_names=item_faces.names([query.item_id]),
        every=REFRESH_SECONDS,
        said=query.said,
    )


def _update(caller: Caller, query: ListQuery, request: Request) -> Reply:
    """Return the current rows: those on the page in the same order if `query.shown` is set, otherwise a new page.

    A search that continues by itself gets the rows of its next step.
    """
    shown = query.shown.split(",") if query.shown else []
    if query.keep and not shown:
        return Reply("", HTTPStatus.NO_CONTENT)
    kept = task_lists.again(shown[:ROWS], query.held()) if shown else []
    found, fresh = TaskList(kept, is_sorted_by_value=True) if query.keep else task_lists.find(query), 0
    if shown and not query.keep:
        fresh = len({row["id"] for row in found.rows} - set(shown))
        found.rows = kept
    if digest(found, fresh) == query.known:
        return Reply("", HTTPStatus.NO_CONTENT)
    template = "search_step.html" if query.step else "task_rows.html"
    return rendering.page(
        request, caller, template, section="/tasks", found=found, query=query, fresh=fresh,
        digest=digest(found, fresh), every=REFRESH_SECONDS, mistakes={},
    )  # fmt: skip


def digest(found: TaskList, fresh: int) -> str:
    """Return a digest that changes with anything that a list shows."""
    shown = [row["version"] for row in found.rows]
    return hashlib.sha256(repr((shown, fresh)).encode()).hexdigest()[:12]
