"""Pages of tasks, for the dashboard and the JSON API."""

from __future__ import annotations

from makertasks import tasks
from makertasks.monitoring import listing, misspelt
from makertasks.records.model import TaskRecord


def task_page(
    wanted: listing.Filter,
    limit: int = listing.DEFAULT_LIMIT,
    cursor: str | None = None,
    *,
    oldest_first: bool = False,
    seconds: float = listing.MOST_SECONDS,
) -> tuple[list[TaskRecord], str | None]:
    """Return a page of tasks by time of creation and the next page's cursor; after `seconds`, those found so far.

    Raises InvalidRequest or Unavailable.
    """
    page = listing.page(
        wanted, limit=limit, cursor=cursor, names=tasks.discover(), oldest_first=oldest_first, seconds=seconds
    )
    if not page.records and not cursor:
        misspelt.refuse(wanted, complete=page.cursor is None)
    return page.records, page.cursor
