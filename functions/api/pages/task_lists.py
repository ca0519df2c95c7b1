"""The list of tasks: reads its state from the URL, and finds the matching tasks."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from api import pagination
from api.pages import task_rows
from api.pages.addresses import address
from api.pages.task_rows import Row
from api.requests import Request
from api.resources.tasks import TaskFilter
from makertasks import settings, tasks, wire
from makertasks.errors import InvalidRequest
from makertasks.monitoring import listing, misspelt
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Number of newest matching tasks that a list sorts, unless it is sorted by time of creation.
SORTED_TASKS = 500
# Maximum duration of a search; API Gateway waits 30 s for the response.
SEARCH_SECONDS = 8.0
# Maximum number of earlier pages' cursors in a URL: the gateway limits its length.
REMEMBERED_PAGES = 12
SORTABLE = ("name", "status", "created", "done", "runtime", "worker", "eta", "retry_at")

# Columns that only waiting tasks have, which are few and in an index.
FEW = ("eta", "retry_at")

# The first page of a list, as a change of its URL.
FIRST: dict[str, Any] = {"cursor": None, "before": None, "page": None}

Text = Annotated[str, msgspec.Meta(max_length=2000)]


class Filters(msgspec.Struct, forbid_unknown_fields=True):
    """Filters of tasks from a URL or a form; empty fields are ignored."""

    q: Text = ""
    status: Text = ""
    name: Text = ""
    item_id: Text = ""
    worker: Text = ""
    created_from: Text = ""
    created_to: Text = ""
    scheduled: Literal["true", ""] = ""

    def filters(self) -> dict[str, str]:
        """Return the filters that are set, as in the URL."""
        return {name: value for name in Filters.__struct_fields__ if (value := getattr(self, name))}


class ListQuery(Filters):
    """Query of the list. `before` holds the cursors of the pages before this one, separated by dots."""

    sort: Text = ""  # a column, with a minus for the largest first
    page: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    cursor: Text = ""
    before: Annotated[str, msgspec.Meta(max_length=3000)] = ""
    shown: Annotated[str, msgspec.Meta(max_length=4000)] = (
        ""  # ids on the page, for a live update that must not move rows
    )
    said: Text = ""  # the action that led here
    known: Text = ""  # digest of what the page shows, for a live update
    keep: Text = ""  # set for a live update that only reads the shown tasks again, in their order
    step: Text = ""  # set for the next step of a search that continues by itself: only its new rows are returned
    have: Text = ""  # versions of the rows that the page shows, separated by dots, for a live update

    def held(self) -> frozenset[str] | None:
        """Return the versions of the rows that an open page shows, None if this is not a live update."""
        return frozenset(self.have.split(".")) if self.known else None

    def tab(self) -> Literal["scheduled", "retrying", ""]:
        """Return the tab whose filter is the list's only filter; empty for any other list."""
        filters = self.filters()
        if filters == {"scheduled": "true"}:
            return "scheduled"
        return "retrying" if filters == {"status": Status.RETRY} else ""

    def link(self, **changes: Any) -> str:
        """Return the URL of the list's first page with other filters or another order."""
        return address("/tasks", self.filters(), **{"sort": self.sort, **changes})

    def turned(self, **changes: Any) -> str:
        """Return the URL of another page of the same list."""
        paging = {
            "sort": self.sort,
            "cursor": self.cursor,
            "before": self.before,
            "page": self.page if self.page > 1 else "",
        }
        return address("/tasks", {**self.filters(), **paging}, **changes)

    def order(self, column: str) -> Order:
        """Return a column's order and the link to the next: largest first, smallest first, then newest first again."""
        newest_first = not self.sort and column == "created"
        if self.sort == f"-{column}" or newest_first:
            return Order("descending", " ▾", self.link(sort=column))
        if self.sort == column:
            return Order("ascending", " ▴", self.link(sort=None))
        return Order("none", "", self.link(sort=f"-{column}"))


class Order(NamedTuple):
    """The order of a list by one column."""

    aria: str
    sign: str
    link: str


@dataclass
class TaskList:
    """One page of tasks. `previous` and `following` are changes of the URL, None if there is no such page."""

    rows: list[Row] = field(default_factory=list)
    previous: dict[str, Any] | None = None
    following: dict[str, Any] | None = None
    number: int = 1
    sorted_among: int | None = None  # number of tasks that were sorted, if the list is sorted by a column
    is_complete: bool = True  # whether these were all matching tasks
    is_sorted_by_value: bool = False  # whether the list is sorted by a column without an index
    searched_to: str | None = None  # for a search that continues: time of creation that it has reached

    @property
    def keeps_order(self) -> bool:
        """Whether a live update keeps the same tasks in the same order, because finding them again costs too much."""
        return self.searched_to is not None or self.is_sorted_by_value

    @property
    def total(self) -> int | None:
        """Number of matching tasks, None if it is unknown."""
        if self.sorted_among is not None:
            return self.sorted_among if self.is_complete else None
        return len(self.rows) if self.previous is None and self.following is None else None


def wanted(query: Filters) -> listing.Filter:
    """Return the filter of a URL; raises InvalidRequest."""
    return Request.convert(query.filters(), TaskFilter, "query").filter()


def find(query: ListQuery) -> TaskList:
    """Return the page that a URL requests; raises InvalidRequest or Unavailable."""
    return _by_creation(query) if query.sort in {"", "created", "-created"} else _sorted(query)


def _by_creation(query: ListQuery) -> TaskList:
    page, cursor = pagination.task_page(
        wanted(query),
        cursor=query.cursor or None,
        oldest_first=query.sort == "created",
        seconds=settings.search_step() if query.q else listing.MOST_SECONDS,
    )
    trail = [part for part in query.before.split(".") if part]
    found = TaskList(task_rows.of(page, query.held()), number=query.page)
    if cursor and len(page) < listing.DEFAULT_LIMIT:
        found.searched_to = listing.reached(cursor)
    if query.cursor:
        # The previous page has the last cursor of the trail; if the trail has none, it is the first page.
        found.previous = (
            {"cursor": trail[-1], "before": ".".join(trail[:-1]), "page": query.page - 1} if trail else FIRST
        )
    if cursor:
        trail = [*trail, query.cursor] if query.cursor else trail
        before = ".".join(trail[-REMEMBERED_PAGES:])
        found.following = {"cursor": cursor, "before": before, "page": query.page + 1}
    return found


def _sorted(query: ListQuery) -> TaskList:
    column = query.sort.removeprefix("-")
    if column not in SORTABLE:
        raise InvalidRequest("sort", f"must be one of {', '.join(SORTABLE)}, with a minus for the largest first")
    filters = wanted(query)
    matching, complete = listing.newest(filters, SORTED_TASKS, names=tasks.discover())
    if not matching:
        misspelt.refuse(filters, complete=complete)
    having = [record for record in matching if getattr(record, column) is not None]
    having.sort(key=lambda record: getattr(record, column), reverse=query.sort.startswith("-"))
    having += [record for record in matching if getattr(record, column) is None]
    size = listing.DEFAULT_LIMIT
    start = (query.page - 1) * size
    return TaskList(
        again([record.task_id for record in having[start : start + size]], query.held()),
        {"page": query.page - 1} if query.page > 1 else None,
        {"page": query.page + 1} if start + size < len(having) else None,
        query.page,
        len(matching),
        complete,
        column not in FEW,
    )


def newest(filters: listing.Filter, most: int) -> tuple[list[TaskRecord], bool]:
    """Return up to `most` of the newest matching tasks, and whether these are all.

    Rare matches take many queries: after `SEARCH_SECONDS`, the tasks found so far are returned. Raises InvalidRequest
    or Unavailable.
    """
    found: list[TaskRecord] = []
    cursor = None
    until = time.monotonic() + SEARCH_SECONDS
    while True:
        page, cursor = pagination.task_page(filters, listing.MAXIMUM_LIMIT, cursor)
        found += page
        if not cursor or len(found) >= most or time.monotonic() > until:
            return found[:most], not cursor and len(found) <= most


def again(ids: list[str], known: Collection[str] | None = None) -> list[Row]:
    """Return the current rows of tasks in the order of `ids`, without deleted ones. Raises Unavailable."""
    keys = [wire.result_key(task_id) for task_id in ids[: listing.MAXIMUM_LIMIT]]
    found = records.get_many(keys)
    return task_rows.of((found[key] for key in keys if key in found), known)
