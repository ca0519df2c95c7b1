"""status, inspect …: what Celery's workers report, read from the tables, the queues and the functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from makertasks import clock, settings, tasks
from makertasks.cli import asking, output, shown, spelling, viewing
from makertasks.cli.asking import Destination, TaskIds
from makertasks.errors import InvalidRequest
from makertasks.monitoring import dead_letters, listing, queue_history, workers
from makertasks.monitoring import queues as task_queues
from makertasks.monitoring import views as task_views
from makertasks.records.states import Status
from makertasks.worker import task_limits

inspect = typer.Typer(cls=spelling.Commands, no_args_is_help=True, help="Inspect tasks, queues and workers.")

Limit = Annotated[int, typer.Option(min=1, help="Maximum number of tasks.")]


def register(app: typer.Typer) -> None:
    """Add the commands; Celery's spelling with an underscore works as well."""
    app.command()(status)
    app.add_typer(inspect, name="inspect")
    commands: dict[str, Callable[..., None]] = {
        "active": active, "registered": registered, "scheduled": scheduled, "reserved": reserved, "revoked": revoked,
        "dead-letters": list_dead_letters,
        "stats": stats, "conf": conf, "active-queues": active_queues, "queue-history": past,
        "query-task": query_task, "ping": ping,
    }  # fmt: skip
    for name, command in commands.items():
        inspect.command(name)(command)


def status(as_json: output.AsJson = False) -> None:
    """Show whether each worker accepts tasks."""
    asking.connect()
    found = {queue["name"]: queue["state"] for queue in task_queues.list_queues()}
    if as_json:
        output.print_json(found)
        return
    output.table(
        ({"worker": name, "state": "OK" if state == "running" else state} for name, state in found.items()),
        {"worker": "WORKER", "state": "STATE"},
        "no workers",
    )
    output.console.print(f"\n{sum(state == 'running' for state in found.values())} workers online.")


def active(destination: Destination = None, limit: Limit = 100, as_json: output.AsJson = False) -> None:
    """List running tasks."""
    _print_waiting(Status.STARTED, destination, limit, lambda _task: True, "no running tasks", as_json=as_json)


def scheduled(destination: Destination = None, limit: Limit = 100, as_json: output.AsJson = False) -> None:
    """List scheduled tasks.

    They wait for their ETA, their countdown or their next retry.
    """
    present = clock.text(clock.now())

    def later(task: dict[str, Any]) -> bool:
        return str(task["retry_at"] or task["eta"] or "") > present

    _print_waiting(None, destination, limit, later, "no scheduled tasks", as_json=as_json, columns=shown.LATER)


def reserved(destination: Destination = None, limit: Limit = 100, as_json: output.AsJson = False) -> None:
    """List tasks that wait in their queue for a worker."""
    present = clock.text(clock.now())

    def due(task: dict[str, Any]) -> bool:
        return str(task["retry_at"] or task["eta"] or "") <= present

    _print_waiting(None, destination, limit, due, "no waiting tasks", as_json=as_json)


def revoked(limit: Limit = 100, as_json: output.AsJson = False) -> None:
    """List revoked tasks, newest first."""
    asking.connect()
    found, _ = viewing.collect(listing.Filter(status=Status.REVOKED), limit)
    _print_tasks(found, "no revoked tasks", as_json=as_json)


def registered(as_json: output.AsJson = False) -> None:
    """List all task types with their arguments."""
    asking.connect()
    found = [
        {"name": task.name, "arguments": list(task.schema().get("properties", {})), "purpose": task.purpose}
        for task in tasks.discover().values()
    ]
    if as_json:
        output.print_json(found)
        return
    rows = ({**task, "arguments": ", ".join(task["arguments"])} for task in found)
    output.table(rows, {"name": "NAME", "arguments": "ARGUMENTS", "purpose": "PURPOSE"}, "no tasks")


def stats(destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Show each worker's totals for the last 24 hours.

    With `--json` also its recent execution environments.
    """
    asking.connect()
    wanted = asking.queues_named(destination)
    found = [worker for worker in workers.list_workers() if worker["task"].rpartition(".")[2] in wanted]
    if as_json:
        output.print_json(found)
        return
    columns = ("function", "state", "running", "processed", "succeeded", "failed", "retried", "revoked")
    output.table(
        ({**worker} for worker in found), {column: column.upper() for column in columns}, "no workers"
    )  # fmt: skip


def conf(as_json: output.AsJson = False) -> None:
    """Show the stack's resources and each task's limits."""
    asking.connect()
    limits = {name: asdict(task_limits.of(task)) for name, task in tasks.discover().items()}
    names = {
        "stack": settings.stack(), "tasks_table": settings.tasks_table(), "inventory_table": settings.inventory_table(),
        "counters_table": settings.counters_table(), "media_bucket": settings.bucket(),
    }  # fmt: skip
    if as_json:
        output.print_json({**names, "limits": limits})
        return
    output.facts(names)
    columns = {"name": "TASK", "rate_limit": "RATE LIMIT", "soft_time_limit": "SOFT LIMIT", "time_limit": "HARD LIMIT"}
    output.table(({"name": name, **each} for name, each in limits.items()), columns, "no tasks")


def active_queues(as_json: output.AsJson = False) -> None:
    """List queues with their states and lengths.

    Also shows the age of the oldest message, in seconds.
    """
    asking.connect()
    found = task_queues.list_queues()
    if as_json:
        output.print_json(found)
        return
    columns = {
        "name": "QUEUE", "state": "STATE", "waiting": "WAITING", "in_flight": "IN FLIGHT", "delayed": "DELAYED",
        "dead": "DEAD LETTERS", "oldest_seconds": "OLDEST (S)", "maximum_concurrency": "MAX CONCURRENCY",
    }  # fmt: skip
    output.table(({**queue} for queue in found), columns, "no queues")


def past(
    destination: Destination = None,
    since: Annotated[
        str | None, typer.Option("--from", help="From this date or time on (ISO 8601); the last day by default.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Until this date or time.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Show queues' waiting times and lengths over time.

    By hour, or by day for more than three days.
    """
    asking.connect()
    end = asking.moment("--to", until) or clock.now()
    begin = asking.moment("--from", since) or end - timedelta(days=1)
    if end < begin:
        raise InvalidRequest("--to", "is before --from")
    found = [queue_history.of(name, begin, end) for name in asking.queues_named(destination)]
    if as_json:
        output.print_json(found)
        return
    rows = (
        {
            "queue": each["queue"], "period": period["period"].replace("T", " "), "waiting": period["most_waiting"],
            **{name: f"{value:.2f} s" for name, value in (period["wait"] or {}).items()},
        }
        for each in found
        for period in each["periods"]
    )  # fmt: skip
    columns = {
        "queue": "QUEUE", "period": "PERIOD (UTC)", "mean": "MEAN WAIT", "longest": "LONGEST WAIT",
        "waiting": "MOST WAITING",
    }  # fmt: skip
    output.table(rows, columns, "no task started and no message waited")


def list_dead_letters(as_json: output.AsJson = False) -> None:
    """List dead letters: messages from which no task could start.

    A dead letter is listed until it is sent again (retry) or discarded (control discard).
    """
    asking.connect()
    found, complete = dead_letters.not_redriven()
    rows = [
        {
            "id": each.task_id, "name": each.name, "queue": each.queue, "created": each.created,
            "deliveries": None if each.deliveries is None else int(each.deliveries), "reason": each.error_message,
            "message": dead_letters.beginning(each) if not as_json else dead_letters.readable(str(each.body)),
        }
        for each in found
    ]  # fmt: skip
    if as_json:
        output.print_json(rows)
        return
    named = (
        {**row, "name": shown.short_name(str(row["name"])), "created": str(row["created"])[:19].replace("T", " ")}
        for row in rows
    )
    columns = {
        "id": "ID", "name": "TASK", "created": "RECEIVED", "deliveries": "DELIVERIES", "message": "MESSAGE",
        "reason": "REASON",
    }  # fmt: skip
    output.table(named, columns, "no dead letters", ("deliveries",))
    if rows:
        output.say("send one again: makertasks retry ID; discard it: makertasks control discard ID")
    if not complete:
        output.console.print("\nOnly the newest are shown; there are more.")


def query_task(task_ids: TaskIds, as_json: output.AsJson = False) -> None:
    """Show tasks by id."""
    asking.connect()
    _print_tasks([{**task_views.summary(shown.read(task_id))} for task_id in task_ids], "no tasks", as_json=as_json)


def ping(destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Check that each worker accepts tasks.

    The exit code is 1 if a queue is paused.
    """
    asking.connect()
    wanted = asking.queues_named(destination)
    found = {
        queue["name"]: queue["state"] == "running" for queue in task_queues.list_queues() if queue["name"] in wanted
    }
    if as_json:
        output.print_json({name: {"ok": "pong"} if ok else {"error": "paused"} for name, ok in found.items()})
    else:
        for name, ok in found.items():
            output.console.print(f"{name}: OK\n    pong" if ok else f"{name}: paused")
    if not all(found.values()):
        raise typer.Exit(1)


def _print_waiting(
    wanted: Status | None,
    destination: list[str] | None,
    limit: int,
    fits: Callable[[dict[str, Any]], bool],
    empty: str,
    *,
    as_json: bool,
    columns: dict[str, str] = shown.COLUMNS,
) -> None:
    """Print the given workers' tasks: those in one status, or all that have not started yet."""
    asking.connect()
    queues = asking.queues_named(destination)
    found: list[dict[str, Any]] = []
    for each in (wanted,) if wanted else (Status.PENDING, Status.RETRY):
        found += viewing.collect(listing.Filter(status=each), limit)[0]
    found = [task for task in found if task["queue"] in queues and fits(task)]
    _print_tasks(found, empty, as_json=as_json, columns=columns)


def _print_tasks(
    found: list[dict[str, Any]], empty: str, *, as_json: bool, columns: dict[str, str] = shown.COLUMNS
) -> None:
    if as_json:
        output.print_json(found)
    else:
        output.table(shown.rows(found), columns, empty, shown.ROOM_PERMITTING)
