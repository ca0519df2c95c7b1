"""events: follow tasks live, as lines or on a full screen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from makertasks import clock, tasks
from makertasks.cli import asking, output, shown
from makertasks.monitoring import listing
from makertasks.monitoring import views as task_views
from makertasks.records.states import ACTIVE

# Celery's event for each status.
EVENTS = {
    "PENDING": "task-sent", "STARTED": "task-started", "RETRY": "task-retried", "SUCCESS": "task-succeeded",
    "FAILURE": "task-failed", "REVOKED": "task-revoked",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(events)


def events(
    screen: Annotated[
        bool, typer.Option("--screen", help="Show tasks and queues on a full screen, with keys to act on them.")
    ] = False,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between refreshes.")] = 1.0,
    seconds: Annotated[float | None, typer.Option(help="Stop after this many seconds; by default on Ctrl-C.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Follow tasks as they are sent, start and finish.

    Watches the newest hundred tasks and all unfinished ones.
    """
    asking.connect()
    if screen and not as_json:
        from makertasks.cli.screen import Monitor  # noqa: PLC0415 - slow to load, and only needed here

        Monitor(lambda: shown.rows(look()), interval, seconds).run()
        return
    looks = _looks(interval, seconds)
    known = {task["id"]: task["status"] for task in next(looks, [])}
    for found in looks:
        for task in reversed(found):
            if known.get(task["id"]) != task["status"]:
                known[task["id"]] = task["status"]
                _print_event(task, as_json=as_json)


def _looks(interval: float, seconds: float | None) -> Iterator[list[dict[str, Any]]]:
    """Yield the watched tasks once per interval."""
    ends = None if seconds is None else time.monotonic() + seconds
    while ends is None or time.monotonic() < ends:
        yield look()
        time.sleep(interval)


def look() -> list[dict[str, Any]]:
    """Return the newest hundred tasks and all unfinished ones, newest first; raises Unavailable."""
    found = {}
    for wanted in (listing.Filter(), *(listing.Filter(status=status) for status in sorted(ACTIVE))):
        for record in listing.page(wanted, limit=listing.MAXIMUM_LIMIT, names=tasks.discover()).records:
            found[record.task_id] = {**task_views.summary(record)}
    return sorted(found.values(), key=lambda task: str(task["created"]), reverse=True)


def _print_event(task: dict[str, Any], *, as_json: bool) -> None:
    event = EVENTS.get(task["status"]) or f"task-{task['status'].lower()}"
    if as_json:
        output.print_line({"type": event, "timestamp": clock.text(clock.now()), **task})
        return
    line = output.status(output.safe(f"{clock.now():%H:%M:%S} {event:15} {task['name']} {task['id']}"))
    line.stylize(output.COLOURS.get(task["status"], ""))
    output.console.print(line, soft_wrap=True)
