"""Pages of tasks, for the dashboard and the JSON API."""

from __future__ import annotations

import difflib

from makertasks import tasks
from makertasks.errors import InvalidRequest
from makertasks.monitoring import listing
from makertasks.records.model import TaskRecord


def task_page(
    wanted: listing.Filter,
    limit: int = listing.DEFAULT_LIMIT,
    cursor: str | None = None,
    *,
    oldest_first: bool = False,
    seconds: float = listing.MOST_SECONDS,
) -> tuple[list[TaskRecord], str | None]:
    """Return tasks by creation, and the next page's cursor; after `seconds` those found so far.

    Raises InvalidRequest or Unavailable.
    """
    page = listing.page(
        wanted, limit=limit, cursor=cursor, names=tasks.discover(), oldest_first=oldest_first, seconds=seconds
    )
    if not page.records and not page.cursor and not cursor:
        _refuse_unknown(wanted)
    return page.records, page.cursor


def refuse_misspelt(name: str | None, worker: str | None) -> None:
    """Raise InvalidRequest for an unknown name or worker that no task has: a job would do nothing."""
    wanted = listing.Filter(name=name, worker=worker)
    try:
        _refuse_unknown(wanted)
    except InvalidRequest:  # tasks outlive the code of their type
        task_page(wanted, 1)


def _refuse_unknown(wanted: listing.Filter) -> None:
    """Raise InvalidRequest for an unknown name or worker, so that a misspelt one does not give an empty list."""
    known = tasks.discover()
    if wanted.name and wanted.name not in known:
        raise InvalidRequest("name", f"there is no task {wanted.name!r}; {_suggestion(wanted.name, list(known))}")
    functions = [task.short_name for task in known.values()]
    function = (wanted.worker or "").partition("@")[0]
    if function and function not in functions:
        raise InvalidRequest("worker", f"there is no worker {wanted.worker!r}; {_suggestion(function, functions)}")


def _suggestion(name: str, known: list[str]) -> str:
    by_short_name = {each.rpartition(".")[2]: each for each in known}
    close = difflib.get_close_matches(name.rpartition(".")[2], by_short_name, n=1)
    return f"did you mean {by_short_name[close[0]]}?" if close else f"choose one of {', '.join(known)}"
