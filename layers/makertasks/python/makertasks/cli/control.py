"""purge, control …: what Celery tells its workers, done to queues, consumers and records. Everything is audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from makertasks.cli import asking, completion, output, sending
from makertasks.cli.asking import Destination, TaskIds
from makertasks.cli.sending import TaskName
from makertasks.control import audit, jobs, revoking
from makertasks.errors import InvalidRequest
from makertasks.monitoring import queues as consumers
from makertasks.worker import task_limits

control = typer.Typer(no_args_is_help=True, help="Stop, start and limit workers, as celery control does.")

NumberOfTasks = Annotated[int, typer.Argument(metavar="N", min=1, help="How many tasks at a time more or less.")]


def register(app: typer.Typer) -> None:
    """Add the commands; Celery's spelling with an underscore works as well."""
    app.command()(purge)
    app.add_typer(control, name="control")
    commands: dict[str, Callable[..., None]] = {
        "shutdown": shutdown, "start": start, "revoke": revoke, "terminate": terminate, "rate-limit": rate_limit,
        "time-limit": time_limit, "pool-grow": pool_grow, "pool-shrink": pool_shrink, "autoscale": autoscale,
        "add-consumer": add_consumer, "cancel-consumer": cancel_consumer,
    }  # fmt: skip
    for name, command in commands.items():
        control.command(name)(command)
        if "-" in name:
            control.command(name.replace("-", "_"), hidden=True)(command)


def purge(
    queues: Annotated[
        list[str] | None,
        typer.Option("--queue", "-Q", help="Only these queues (short names).", autocompletion=completion.queue_names),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Throw all waiting tasks away; say how many.

    Their records become REVOKED, their messages go.
    """
    asking.connect()
    wanted = asking.queues_named(queues)
    if not force:
        typer.confirm(f"Throw away every waiting task of {', '.join(wanted)}?", abort=True)
    purged = {}
    for queue in wanted:
        audit.record(asking.who(), "purge", queue)
        job = jobs.start("purge", where={"name": asking.task_named(queue).name}, who=asking.who())
        answer = sending.outcome_of_job(asking.wait_for(job, f"purging {queue}", quiet=as_json))
        purged[queue] = answer["outcomes"].get("REVOKED", 0)
    if as_json:
        output.print_json({"purged": sum(purged.values()), "queues": purged})
    else:
        output.console.print(f"Purged {sum(purged.values())} messages from {len(purged)} queues.")


def shutdown(destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Stop taking tasks; what runs ends in peace.

    What waits goes on waiting until `control start`.
    """
    _consume(destination, "pause", consumers.pause, as_json=as_json)


def start(destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Take tasks again."""
    _consume(destination, "resume", consumers.resume, as_json=as_json)


def cancel_consumer(queue: str, as_json: output.AsJson = False) -> None:
    """Stop taking tasks from one queue."""
    _consume([queue], "pause", consumers.pause, as_json=as_json)


def add_consumer(queue: str, as_json: output.AsJson = False) -> None:
    """Take tasks from one queue again."""
    _consume([queue], "resume", consumers.resume, as_json=as_json)


def revoke(
    task_ids: TaskIds,
    terminate_them: Annotated[bool, typer.Option("--terminate", help="End running ones, too.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Call tasks off.

    One that runs goes on, unless `--terminate` ends it at its next checkpoint.
    """
    asking.connect()
    answers = {}
    for task_id in task_ids:
        audit.record(asking.who(), "terminate" if terminate_them else "revoke", task_id)
        answers[task_id] = str(revoking.revoke(task_id, terminate=terminate_them, who=asking.who()))
    if as_json:
        output.print_json(answers)
        return
    rows = ({"id": task_id, "answer": answer} for task_id, answer in answers.items())
    output.table(rows, {"id": "ID", "answer": "ANSWER"}, "no task")


def terminate(task_ids: TaskIds, as_json: output.AsJson = False) -> None:
    """Call tasks off, and end those that run.

    They end at their next checkpoint.
    """
    revoke(task_ids, terminate_them=True, as_json=as_json)


def rate_limit(
    name: TaskName,
    rate: Annotated[str, typer.Argument(help="10/m, 2/s, 100/h; 0 for no limit but the task's own.")],
    as_json: output.AsJson = False,
) -> None:
    """Let a task begin so often at most."""
    _limit(name, {"rate_limit": None if rate == "0" else rate}, as_json=as_json)


def time_limit(
    name: TaskName,
    soft: Annotated[float, typer.Argument(help="Seconds until the task is told to end; 0 for its own limit.")],
    hard: Annotated[float, typer.Argument(help="Seconds until it is ended; 0 for its own limit.")] = 0,
    as_json: output.AsJson = False,
) -> None:
    """Let a task run so long at most."""
    _limit(name, {"soft_time_limit": soft or None, "time_limit": hard or None}, as_json=as_json)


def pool_grow(number: NumberOfTasks = 1, destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Let so many more tasks run at a time."""
    _resize(destination, lambda present: present + number, as_json=as_json)


def pool_shrink(number: NumberOfTasks = 1, destination: Destination = None, as_json: output.AsJson = False) -> None:
    """Let so many fewer tasks run at a time; two at least."""
    _resize(destination, lambda present: max(present - number, consumers.MINIMUM_CONCURRENCY), as_json=as_json)


def autoscale(
    most: Annotated[int, typer.Argument(metavar="MAX", help="How many tasks at a time at most.")],
    least: Annotated[int, typer.Argument(metavar="MIN", help="Of no effect: Lambda begins at none.")] = 0,
    destination: Destination = None,
    as_json: output.AsJson = False,
) -> None:
    """Let Lambda run up to MAX tasks at a time.

    It starts and stops workers by itself.
    """
    if least > most:
        raise InvalidRequest("MIN", f"{least} is more than MAX, {most}")
    _resize(destination, lambda _present: most, as_json=as_json)


def _consume(names: list[str] | None, action: str, change: Callable[[str], consumers.Queue], *, as_json: bool) -> None:
    asking.connect()
    changed = []
    for queue in asking.queues_named(names):
        audit.record(asking.who(), action, queue)
        changed.append(change(queue))
    _print_queues(changed, as_json=as_json)


def _resize(destination: list[str] | None, size: Callable[[int], int], *, as_json: bool) -> None:
    """Change how many tasks run at a time, for queues that have such a limit or get one."""
    asking.connect()
    changed = []
    for queue in asking.queues_named(destination):
        present = consumers.get(queue)["maximum_concurrency"] or consumers.MAXIMUM_CONCURRENCY
        wanted = size(present)
        consumers.check_concurrency(wanted)
        audit.record(asking.who(), "set_maximum_concurrency", queue, maximum_concurrency=wanted)
        changed.append(consumers.set_maximum_concurrency(queue, wanted))
    _print_queues(changed, as_json=as_json)


def _limit(name: str, limits: dict[str, Any], *, as_json: bool) -> None:
    asking.connect()
    task = asking.task_named(name)
    audit.record(asking.who(), "change_limits", task.name, **limits)
    changed = task_limits.change(task.name, who=asking.who(), **limits)
    found = {"task": task.name, **asdict(changed)}
    output.print_json(found) if as_json else output.facts(found)


def _print_queues(found: list[consumers.Queue], *, as_json: bool) -> None:
    if as_json:
        output.print_json(found)
        return
    columns = {"name": "QUEUE", "state": "STATE", "maximum_concurrency": "AT A TIME", "waiting": "WAITING"}
    output.table(({**queue} for queue in found), columns, "no queue")
