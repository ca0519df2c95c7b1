"""purge, control …: Celery's remote control for queues, event source mappings and records. Every action is audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from makertasks.cli import asking, completion, output, sending, spelling
from makertasks.cli.asking import Destination, TaskIds
from makertasks.cli.sending import TaskName
from makertasks.control import audit, jobs, pausing, retrying, revoking
from makertasks.control import run_now as starting
from makertasks.errors import InvalidRequest
from makertasks.monitoring import queues as task_queues
from makertasks.worker import task_limits

control = typer.Typer(
    cls=spelling.Commands, no_args_is_help=True, help="Pause, resume and limit workers; revoke and run tasks."
)

QueueName = Annotated[
    str,
    typer.Argument(metavar="QUEUE", help="The queue's short name.", autocompletion=completion.queue_names),
]
NumberOfTasks = Annotated[int, typer.Argument(metavar="N", min=1, help="Number of concurrent tasks to add or remove.")]


def register(app: typer.Typer) -> None:
    """Add the commands; Celery's spelling with an underscore works as well."""
    app.command()(purge)
    app.add_typer(control, name="control")
    commands: dict[str, Callable[..., None]] = {
        "shutdown": shutdown, "start": start, "revoke": revoke, "terminate": terminate, "rate-limit": rate_limit,
        "time-limit": time_limit, "pool-grow": pool_grow, "pool-shrink": pool_shrink, "autoscale": autoscale,
        "discard": discard, "run-now": run_now, "add-consumer": add_consumer, "cancel-consumer": cancel_consumer,
    }  # fmt: skip
    for name, command in commands.items():
        control.command(name)(command)


def discard(task_ids: TaskIds) -> None:
    """Discard dead letters.

    They disappear from the list of dead letters; their failed tasks' records stay until they expire.
    """
    asking.connect()
    for task_id in task_ids:
        audit.record(asking.who(), "discard message", task_id)
        retrying.discard(task_id)
        output.console.print(f"{task_id} discarded")


def run_now(task_ids: TaskIds) -> None:
    """Run scheduled tasks now.

    Also starts the next attempt of tasks that wait for their retry.
    """
    asking.connect()
    for task_id in task_ids:
        audit.record(asking.who(), "run now", task_id)
        starting.run_now(task_id)
        output.console.print(f"{task_id} sent to its queue")


def purge(
    queues: Annotated[
        list[str] | None,
        typer.Option(
            "--queue", "-Q", help="Limit to these queues (short names).", autocompletion=completion.queue_names
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Skip the confirmation.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Delete waiting messages and revoke their tasks.

    Prints the number of deleted messages.
    """
    asking.connect()
    wanted = asking.queues_named(queues)
    if not force:
        typer.confirm(f"Delete all waiting messages in {', '.join(wanted)} and revoke their tasks?", abort=True)
    purged = {}
    for queue in wanted:
        audit.record(asking.who(), "purge", queue)
        job = jobs.start("purge", where={"name": asking.purged_by(queue)}, who=asking.who())
        answer = sending.outcome_of_job(asking.wait_for(job.task_id, f"purging {queue}", quiet=as_json))
        purged[queue] = answer["outcomes"].get("REVOKED", 0)
    if as_json:
        output.print_json({"purged": sum(purged.values()), "queues": purged})
    else:
        output.console.print(f"Purged {sum(purged.values())} messages from {len(purged)} queues.")


def shutdown(destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Pause workers; running tasks finish.

    Waiting tasks stay in the queue until `control start`.
    """
    _consume(destination, "pause", pausing.pause, as_json=as_json)


def start(destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Resume paused workers."""
    _consume(destination, "resume", pausing.resume, as_json=as_json)


def cancel_consumer(queue: QueueName, as_json: output.AsJson = False) -> None:
    """Pause a queue; running tasks finish."""
    _consume([queue], "pause", pausing.pause, as_json=as_json)


def add_consumer(queue: QueueName, as_json: output.AsJson = False) -> None:
    """Resume a paused queue."""
    _consume([queue], "resume", pausing.resume, as_json=as_json)


def revoke(
    task_ids: TaskIds,
    terminate_them: Annotated[bool, typer.Option("--terminate", help="Also terminate running tasks.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Revoke tasks.

    A running task continues unless `--terminate` stops it at its next checkpoint.
    """
    asking.connect()
    answers: dict[str, str] = {}
    with output.progress("revoking", len(task_ids), quiet=as_json) as report:
        for task_id in task_ids:
            audit.record(asking.who(), "terminate" if terminate_them else "revoke", task_id)
            answers[task_id] = str(revoking.revoke(task_id, terminate=terminate_them, who=asking.who()))
            report(len(answers))
    if as_json:
        output.print_json(answers)
        return
    rows = ({"id": task_id, "answer": answer} for task_id, answer in answers.items())
    output.table(rows, {"id": "ID", "answer": "OUTCOME"}, "no tasks")


def terminate(task_ids: TaskIds, as_json: output.AsJson = False) -> None:
    """Revoke tasks and stop running ones.

    A running task stops at its next checkpoint.
    """
    revoke(task_ids, terminate_them=True, as_json=as_json)


def rate_limit(
    name: TaskName,
    rate: Annotated[str, typer.Argument(help="For example 10/m, 2/s or 100/h; 0 restores the task's declared limit.")],
    as_json: output.AsJson = False,
) -> None:
    """Set a task's rate limit."""
    _limit(name, {"rate_limit": None if rate == "0" else rate}, as_json=as_json)


def time_limit(
    name: TaskName,
    soft: Annotated[
        float, typer.Argument(help="Soft limit in seconds: the task can still clean up; 0 restores its declared limit.")
    ],
    hard: Annotated[
        float, typer.Argument(help="Hard limit in seconds: the task is stopped; 0 restores its declared limit.")
    ] = 0,
    as_json: output.AsJson = False,
) -> None:
    """Set a task's time limits."""
    _limit(name, {"soft_time_limit": soft or None, "time_limit": hard or None}, as_json=as_json)


def pool_grow(number: NumberOfTasks = 1, destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Increase maximum concurrency by N."""
    _resize(destination, lambda present: min(present + number, pausing.MAXIMUM_CONCURRENCY), as_json=as_json)


def pool_shrink(number: NumberOfTasks = 1, destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Decrease maximum concurrency by N.

    Lambda's minimum is 2.
    """
    _resize(destination, lambda present: max(present - number, pausing.MINIMUM_CONCURRENCY), as_json=as_json)


def autoscale(
    most: Annotated[int, typer.Argument(metavar="MAX", help="Maximum number of concurrent tasks.")],
    least: Annotated[
        int,
        typer.Argument(
            metavar="MIN", help="Ignored; accepted for compatibility with Celery: Lambda scales down to zero."
        ),
    ] = 0,
    destination: Destination = None,
    as_json: output.AsJson = False,
) -> None:
    """Set maximum concurrency to MAX.

    Lambda starts and stops workers by itself.
    """
    if least > most:
        raise InvalidRequest("MIN", f"{least} is more than MAX, {most}")
    _resize(destination, lambda _present: most, as_json=as_json)


def _consume(
    names: list[str] | None, action: str, change: Callable[[str], task_queues.Queue], *, as_json: bool
) -> None:
    asking.connect()
    changed = []
    for queue in asking.queues_named(names):
        audit.record(asking.who(), action, queue)
        changed.append(change(queue))
    _print_queues(changed, as_json=as_json)


def _resize(destination: list[str] | None, size: Callable[[int], int], *, as_json: bool) -> None:
    """Change the maximum concurrency of queues, whether or not they have one yet."""
    asking.connect()
    changed = []
    for queue in asking.queues_named(destination):
        present = task_queues.get(queue)["maximum_concurrency"] or pausing.MAXIMUM_CONCURRENCY
        wanted = size(present)
        pausing.check_concurrency(wanted)
        audit.record(asking.who(), "set_maximum_concurrency", queue, maximum_concurrency=wanted)
        changed.append(pausing.set_maximum_concurrency(queue, wanted))
    _print_queues(changed, as_json=as_json)


def _limit(name: str, limits: dict[str, Any], *, as_json: bool) -> None:
    asking.connect()
    task = asking.task_named(name)
    audit.record(asking.who(), "change_limits", task.name, **limits)
    changed = task_limits.change(task.name, who=asking.who(), **limits)
    found = {"task": task.name, **asdict(changed)}
    output.print_json(found) if as_json else output.facts(found)


def _print_queues(found: list[task_queues.Queue], *, as_json: bool) -> None:
    if as_json:
        output.print_json(found)
        return
    columns = {"name": "QUEUE", "state": "STATE", "maximum_concurrency": "MAX CONCURRENCY", "waiting": "WAITING"}
    output.table(({**queue} for queue in found), columns, "no queues")
