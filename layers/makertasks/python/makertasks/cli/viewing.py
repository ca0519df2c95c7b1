"""list, show, logs: tasks with the same details as in Django admin."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer

from makertasks import clock, tasks
from makertasks.cli import asking, completion, output, pages, shown
from makertasks.cli.sending import TaskId
from makertasks.errors import InvalidRequest
from makertasks.monitoring import listing, misspelt, task_logs
from makertasks.monitoring import views as task_views
from makertasks.records.states import Status

ATTEMPT_COLUMNS = {
    "number": "ATTEMPT", "status": "STATUS", "start": "START", "end": "END", "worker": "WORKER", "error": "ERROR",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_tasks)
    app.command()(show)
    app.command()(logs)


def list_tasks(  # noqa: PLR0913, PLR0917 - one argument an option
    status: Annotated[
        str | None,
        typer.Option(help="PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED.", autocompletion=completion.statuses),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The task's full or short name.", autocompletion=completion.task_names)
    ] = None,
    item: Annotated[
        str | None,
        typer.Option(help="The tasks' inventory item: its id, or its name.", autocompletion=completion.items),
    ] = None,
    worker: Annotated[str | None, typer.Option(help="Worker that ran the tasks.")] = None,
    created_from: Annotated[
        str | None, typer.Option("--from", help="Created at or after this date or time (ISO 8601).")
    ] = None,
    created_to: Annotated[
        str | None, typer.Option("--to", help="Created at or before this time, or by the end of this date.")
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="Search ids, arguments, results and errors.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of tasks.")] = listing.DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, typer.Option(help="Continue from this cursor, which the previous page printed with --json.")
    ] = None,
    next_page: Annotated[bool, typer.Option("--next", help="Show the next page of the last list.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """List tasks, newest first."""
    asking.connect()
    if next_page:
        wanted, limit, cursor = pages.last()
        _print_list(wanted, limit, cursor, as_json=as_json)
        return
    if status is not None and status.upper() not in set(Status):
        raise InvalidRequest("--status", f"must be one of {', '.join(Status)}, not {status!r}")
    wanted = listing.Filter(
        status=status.upper() if status else None,
        name=asking.task_named(name).name if name else None,
        item_id=asking.item_named(item) if item else None,
        worker=worker,
        created_from=_bound("--from", created_from),
        created_to=_bound("--to", created_to),
        q=query,
    )
    _print_list(wanted, limit, cursor, as_json=as_json)


def _print_list(wanted: listing.Filter, limit: int, cursor: str | None, *, as_json: bool) -> None:
    found, after = collect(wanted, limit, cursor, quiet=as_json)
    if not found and cursor is None:
        misspelt.refuse(wanted, complete=after is None)
    pages.note(wanted, limit, after)
    if as_json:
        output.print_json({"tasks": found, "cursor": after})
        return
    output.table(shown.rows(found), shown.COLUMNS, "no matching tasks", shown.ROOM_PERMITTING)
    if after:
        output.say("more tasks: makertasks list --next")


def collect(
    wanted: listing.Filter, limit: int, cursor: str | None = None, *, quiet: bool = True
) -> tuple[list[dict[str, Any]], str | None]:
    """Return up to `limit` tasks, read page by page, and a cursor if there may be more."""
    names = tasks.discover()
    found: list[dict[str, Any]] = []
    with output.progress("reading", limit, quiet=quiet or limit <= listing.MAXIMUM_LIMIT) as report:
        while True:
            size = min(limit - len(found), listing.MAXIMUM_LIMIT)
            page = listing.page(wanted, limit=size, cursor=cursor, names=names)
            found += [{**task_views.summary(record)} for record in page.records]
            cursor = page.cursor
            report(len(found))
            if cursor is None or len(found) >= limit:
                return found, cursor


def show(task_id: TaskId, as_json: output.AsJson = False) -> None:
    """Show all details of a task."""
    asking.connect()
    task = shown.detail(shown.read(task_id))
    if as_json:
        output.print_json(task)
        return
    traceback, attempts = task.pop("traceback"), task.pop("attempts")
    output.facts(task)
    if attempts:
        output.echo("")
        output.table(enumerated(attempts), ATTEMPT_COLUMNS, "")
    if traceback:
        output.echo(f"\n{traceback}")


def enumerated(attempts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Number attempts from 1 and cut their times to seconds."""
    for number, attempt in enumerate(attempts, 1):
        times = {side: str(attempt[side] or "")[:19].replace("T", " ") for side in ("start", "end")}
        yield {"number": str(number), **attempt, **times, "status": attempt["outcome"]}


def logs(
    task_id: TaskId,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of lines.")] = task_logs.LIMIT,
    as_json: output.AsJson = False,
) -> None:
    """Print a task's log lines, oldest first."""
    asking.connect()
    found = task_logs.lines(shown.read(task_id), limit)
    if as_json:
        output.print_json(found)
        return
    columns = {"time": "TIME", "level": "LEVEL", "message": "MESSAGE", "fields": "FIELDS"}
    output.table(({**line} for line in found["lines"]), columns, "no log lines yet")
    if not found["complete"]:
        output.say("there may be more lines: raise --limit")


def _bound(option: str, text: str | None) -> str | None:
    """Convert a time to the table's format; a date means its start, with --to its end."""
    found = asking.moment(option, text)
    if found is None:
        return None
    if option == "--to" and text is not None and len(text) == len("2026-11-22"):
        found += timedelta(days=1, microseconds=-1)
    return clock.text(found)
