"""Tasks a page at a time, for pages and JSON alike."""

from __future__ import annotations

from makertasks import tasks
from makertasks.monitoring import listing
from makertasks.records.model import TaskRecord


def task_page(
    wanted: listing.Filter, limit: int = listing.DEFAULT_LIMIT, cursor: str | None = None
) -> tuple[list[TaskRecord], str | None]:
    """Tasks, newest first, and the next page's cursor; raises InvalidRequest or Unavailable."""
    page = listing.page(wanted, limit=limit, cursor=cursor, names=tasks.discover())
    return page.records, page.cursor
