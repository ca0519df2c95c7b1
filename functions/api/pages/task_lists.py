"""The state of the list of tasks: what its address asks for, and the tasks that answer it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import msgspec

from api import pagination
from api.pages.addresses import address
from api.requests import Request
from api.resources.tasks import TaskFilter
from makertasks import wire
from makertasks.errors import InvalidRequest
from makertasks.monitoring import listing
from makertasks.monitoring import views as task_views
from makertasks.monitoring.views import TaskSummary
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

# Number of newest matching tasks that are sorted when a list is sorted by anything but the time of creation.
SORTED_TASKS = 500
# The function that answers has 30 s.
SEARCH_SECONDS = 8.0
# Cursors of earlier pages in an address: more would not fit into what a gateway takes.
REMEMBERED_PAGES = 12
SORTABLE = ("name", "status", "created", "done", "runtime", "worker")

# The first page of a list, as a change of its address.
FIRST: dict[str, Any] = {"cursor": None, "before": None, "page": None}

Text = Annotated[str, msgspec.Meta(max_length=2000)]


class Filters(msgspec.Struct, forbid_unknown_fields=True):
    """Which tasks, as an address or a form says it; empty fields do not count."""

    q: Text = ""
    status: Text = ""
    name: Text = ""
    item_id: Text = ""
    worker: Text = ""
    created_from: Text = ""
    created_to: Text = ""

    def filters(self) -> dict[str, str]:
        """The filters that are set, as the address has them."""
        return {name: value for name in Filters.__struct_fields__ if (value := getattr(self, name))}


class ListQuery(Filters):
    """Query of the list. `before` holds the cursors of the pages before this one, separated by dots."""

    sort: Text = ""  # a column, with a minus for the largest first
    page: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    cursor: Text = ""
    before: Annotated[str, msgspec.Meta(max_length=3000)] = ""
    shown: Annotated[str, msgspec.Meta(max_length=4000)] = (
        ""  # of a live update that must not move rows: ids on the page
    )
    said: Text = ""  # what just happened
    known: Text = ""  # of a live update: digest of what the page shows

    def link(self, **changes: Any) -> str:
        """Address of the list with other filters or another order: from the first page again."""
        return address("/tasks", self.filters(), **{"sort": self.sort, **changes})

    def turned(self, **changes: Any) -> str:
        """Address of another page of the same list."""
        paging = {
            "sort": self.sort,
            "cursor": self.cursor,
            "before": self.before,
            "page": self.page if self.page > 1 else "",
        }
        return address("/tasks", {**self.filters(), **paging}, **changes)

    def order(self, column: str) -> Order:
        """What a column's heading says and where it leads: the largest first, then the smallest, then newest first."""
        newest_first = not self.sort and column == "created"
        if self.sort == f"-{column}" or newest_first:
            return Order("descending", " ▾", self.link(sort=column))
        if self.sort == column:
            return Order("ascending", " ▴", self.link(sort=None))
        return Order("none", "", self.link(sort=f"-{column}"))


class Order(NamedTuple):
    """How a list is ordered by one column."""

    aria: str
    sign: str
    link: str


@dataclass
class TaskList:
    """One page of tasks. `previous` and `following` are changes of the address, None where there is no such page."""

    rows: list[TaskSummary] = field(default_factory=list)
    previous: dict[str, Any] | None = None
    following: dict[str, Any] | None = None
    number: int = 1
    sorted_among: int | None = None  # tasks looked at, where the list is sorted by a column
    is_complete: bool = True  # whether those were all that match


def wanted(query: Filters) -> listing.Filter:
    """The filter of an address; raises InvalidRequest."""
    return Request.convert(query.filters(), TaskFilter, "query").filter()


def find(query: ListQuery) -> TaskList:
    """The page that an address asks for; raises InvalidRequest or Unavailable."""
    return _sorted(query) if query.sort else _newest(query)


def _newest(query: ListQuery) -> TaskList:
    records, cursor = pagination.task_page(wanted(query), cursor=query.cursor or None)
    trail = [part for part in query.before.split(".") if part]
    found = TaskList([task_views.summary(record) for record in records], number=query.page)
    if query.cursor:
        # The page before has the last cursor of the trail; where the trail has none it is the first page.
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
    matching, complete = newest(wanted(query), SORTED_TASKS)
    having = [record for record in matching if getattr(record, column) is not None]
    having.sort(key=lambda record: getattr(record, column), reverse=query.sort.startswith("-"))
    having += [record for record in matching if getattr(record, column) is None]
    size = listing.DEFAULT_LIMIT
    start = (query.page - 1) * size
    return TaskList(
        [task_views.summary(record) for record in having[start : start + size]],
        {"page": query.page - 1} if query.page > 1 else None,
        {"page": query.page + 1} if start + size < len(having) else None,
        query.page,
        len(matching),
        complete,
    )


def newest(filters: listing.Filter, most: int) -> tuple[list[TaskRecord], bool]:
    """Up to `most` of the newest tasks that match, and whether those are all; raises InvalidRequest or Unavailable.

    Tasks that lie far apart take many queries; what was found by then is answered after `SEARCH_SECONDS`.
    """
    found: list[TaskRecord] = []
    cursor = None
    until = time.monotonic() + SEARCH_SECONDS
    while True:
        page, cursor = pagination.task_page(filters, listing.MAXIMUM_LIMIT, cursor)
        found += page
        if not cursor or len(found) >= most or time.monotonic() > until:
            return found[:most], not cursor and len(found) <= most


def again(ids: list[str]) -> list[TaskSummary]:
    """The same tasks as they are now, in the same order; those that are gone are left out. Raises Unavailable."""
    keys = [wire.result_key(task_id) for task_id in ids[: listing.MAXIMUM_LIMIT]]
    found = records.get_many(keys)
    return [task_views.summary(found[key]) for key in keys if key in found]
