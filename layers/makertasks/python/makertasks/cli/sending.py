"""call, result, retry."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from makertasks.cli import asking, completion, output, shown
from makertasks.control import retrying
from makertasks.monitoring import views as task_views
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import producer

TaskId = Annotated[str, typer.Argument(metavar="ID", help="The task's id.", autocompletion=completion.task_ids)]
TaskName = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="The task's name, whole or its last part.", autocompletion=completion.task_names
    ),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the task has ended.")]
Timeout = Annotated[float | None, typer.Option(help="Seconds to wait at most.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(call)
    app.command()(result)
    app.command()(retry)


def call(  # noqa: PLR0913, PLR0917 - one argument an option
    name: TaskName,
    args: Annotated[str | None, typer.Option("--args", "-a", help="Arguments by position, a JSON list.")] = None,
    kwargs: Annotated[str | None, typer.Option("--kwargs", "-k", help="Arguments by name, a JSON object.")] = None,
    eta: Annotated[str | None, typer.Option(help="Begin then (ISO 8601).")] = None,
    countdown: Annotated[float | None, typer.Option(help="Begin after so many seconds.")] = None,
    expires: Annotated[str | None, typer.Option(help="Give up then: a time, or seconds from now.")] = None,
    task_id: Annotated[str | None, typer.Option(help="The task's id; else it gets one.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key is the same task.")] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    as_json: output.AsJson = False,
) -> None:
    """Send a task and print its id."""
    asking.connect()
    sent = producer.submit(
        asking.task_named(name).name,
        asking.json_of("--kwargs", kwargs, dict) or {},
        args=asking.json_of("--args", args, list) or [],
        eta=asking.moment("--eta", eta),
        countdown=countdown,
        expires=asking.seconds_or_moment("--expires", expires),
        task_id=task_id,
        idempotency_key=idempotency_key,
        requested_by=asking.who(),
    )
    _print_task(sent, wait=wait, timeout=timeout, as_json=as_json)


def result(
    task_id: TaskId,
    traceback: Annotated[bool, typer.Option("--traceback", help="Print the traceback instead.")] = False,
    wait: Wait = False,
    timeout: Timeout = None,
    as_json: output.AsJson = False,
) -> None:
    """Print a task's result; exit code 1 where it failed."""
    asking.connect()
    record = asking.wait_for(task_id, "waiting", timeout, quiet=as_json) if wait else shown.read(task_id)
    _print_outcome(record, traceback=traceback, as_json=as_json)


def retry(
    task_id: TaskId,
    kwargs: Annotated[str | None, typer.Option("--kwargs", "-k", help="Other arguments, a JSON object.")] = None,
    wait: Wait = False,
    timeout: Timeout = None,
    as_json: output.AsJson = False,
) -> None:
    """Do an ended task again, as a new task; print its id."""
    asking.connect()
    new = retrying.retry(task_id, kwargs=asking.json_of("--kwargs", kwargs, dict), who=asking.who())
    _print_task(new, wait=wait, timeout=timeout, as_json=as_json)


def _print_task(task_id: str, *, wait: bool, timeout: float | None, as_json: bool) -> None:
    if wait:
        _print_outcome(asking.wait_for(task_id, "running", timeout, quiet=as_json), traceback=False, as_json=as_json)
    elif as_json:
        output.print_json({**task_views.summary(shown.read(task_id))})
    else:
        typer.echo(task_id)


def _print_outcome(record: TaskRecord, *, traceback: bool, as_json: bool) -> None:
    task = shown.detail(record)
    if as_json:
        output.print_json(task)
    elif traceback and task["traceback"]:
        typer.echo(task["traceback"])
    elif record.status == Status.SUCCESS:
        output.print_json(task["result"])
    else:
        output.facts({key: task[key] for key in ("status", "error", "eta", "retry_at", "progress", "worker")})
    if record.status in {Status.FAILURE, Status.REVOKED}:
        raise typer.Exit(1)


def outcome_of_job(record: TaskRecord) -> dict[str, Any]:
    """What a background job answers; exits with 1 where it failed."""
    if record.status != Status.SUCCESS:
        output.messages.print(f"{record.status}: {record.error_type}: {record.error_message}", markup=False)
        raise typer.Exit(1)
    answer: dict[str, Any] = shown.detail(record)["result"]
    return answer
