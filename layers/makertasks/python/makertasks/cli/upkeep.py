"""import, cleanup, recount, schedules."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from makertasks import settings, tasks
from makertasks.aws import session
from makertasks.cli import asking, completion, output, sending
from makertasks.control import jobs
from makertasks.errors import InvalidRequest, NotFound
from makertasks.monitoring import listing, missed_runs, schedules
from makertasks.monitoring.counters import rebuilding
from makertasks.records.states import Status

IMPORT = "makertasks.import_dump"
# Seconds until the import that an upload starts must have its record.
UPLOAD_SECONDS = 30.0

schedule_commands = typer.Typer(invoke_without_command=True, help="List schedules, run one now, switch one on or off.")


ScheduleName = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule's name.", autocompletion=completion.schedule_names)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_dump)
    app.command()(cleanup)
    app.command("recount")(recount_tasks)
    app.add_typer(schedule_commands, name="schedules")
    schedule_commands.callback()(list_schedules)
    schedule_commands.command("run")(run)
    schedule_commands.command("enable")(enable)
    schedule_commands.command("disable")(disable)


def import_dump(
    file: Annotated[Path, typer.Argument(help="A file of `manage.py dumpdata inventory reorder_queue`.")],
    as_json: output.AsJson = False,
) -> None:
    """Bring an OpenMakerSuite dump into the inventory.

    All of it, or only what has changed.
    """
    asking.connect()
    if not file.is_file():
        raise NotFound(f"there is no file {file}")
    key = f"imports/{uuid.uuid4()}-{file.name}"
    with output.progress("sending", file.stat().st_size, quiet=as_json) as report:
        sent = 0

        def count(amount: int) -> None:
            nonlocal sent
            sent += amount
            report(sent)

        session.client("s3").upload_file(str(file), settings.bucket(), key, Callback=count)
    record = asking.wait_for(_import_of(key), "importing", quiet=as_json)
    answer = sending.outcome_of_job(record)
    output.print_json(answer) if as_json else output.facts(answer)


def _import_of(key: str) -> str:
    """The id of the task that the bucket has started for an object."""
    deadline = time.monotonic() + UPLOAD_SECONDS
    while time.monotonic() < deadline:
        page = listing.page(listing.Filter(name=IMPORT), names=tasks.discover())
        for record in page.records:
            if record.kwargs.get("key") == key:
                return record.task_id
        time.sleep(asking.LOOK_SECONDS)
    raise TimeoutError(
        f"{key} was sent, and after {UPLOAD_SECONDS:g} s its import has no record; see `makertasks list`"
    )


def cleanup(
    older_than: Annotated[float, typer.Option(min=0, help="Days since the tasks were created.")] = 30,
    status: Annotated[
        str, typer.Option(help="SUCCESS, FAILURE or REVOKED.", autocompletion=completion.final_statuses)
    ] = "SUCCESS",
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Delete the records of old tasks.

    Successes, unless another status is named.
    """
    asking.connect()
    if status.upper() not in {Status.SUCCESS, Status.FAILURE, Status.REVOKED}:
        raise InvalidRequest("--status", f"must be SUCCESS, FAILURE or REVOKED, not {status!r}")
    if not force:
        typer.confirm(f"Delete every task that is {status.upper()} and older than {older_than:g} days?", abort=True)
    arguments = {"older_than_days": older_than}
    job = jobs.start("cleanup", where={"status": status.upper()}, who=asking.who(), arguments=arguments)
    answer = sending.outcome_of_job(asking.wait_for(job, "deleting", quiet=as_json))
    if as_json:
        output.print_json(answer)
    else:
        output.console.print(f"Deleted {answer['done']} of {answer['found']} tasks.")


def recount_tasks(
    behind: Annotated[
        float, typer.Option(min=0, help="Seconds that counting may run behind.")
    ] = rebuilding.BEHIND_SECONDS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what differs.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Count every task anew, and put wrong counters right.

    Shows which differ. Reads the whole table.
    """
    asking.connect()
    answer = asdict(rebuilding.rebuild(repair=not dry_run, behind=behind))
    if as_json:
        output.print_json(answer)
        return
    columns = {"period": "PERIOD", "cell": "CELL", "counted": "COUNTED", "found": "FOUND"}
    shown = [{**each, "counted": str(each["counted"]), "found": str(each["found"])} for each in answer["differences"]]
    output.table(iter(shown), columns, "no difference")
    mended, moving = answer["repaired"], len(answer["moving"])
    output.console.print(f"{answer['examined']} tasks counted; {mended} counters put right, {moving} still moving.")


def list_schedules(context: typer.Context, as_json: output.AsJson = False) -> None:
    """List schedules with their next run, and latest slots that have no task."""
    if context.invoked_subcommand is not None:
        return
    asking.connect()
    found = missed_runs.seen(schedules.list_schedules())
    if as_json:
        output.print_json(found)
        return
    columns = {
        "name": "NAME",
        "expression": "WHEN",
        "timezone": "TIME ZONE",
        "enabled": "ON",
        "next_run": "NEXT RUN (UTC)",
    }
    rows = ({**schedule, "next_run": (schedule["next_run"] or "")[:19].replace("T", " ")} for schedule in found)
    output.table(rows, columns, "no schedule")
    for schedule in found:
        for slot in schedule["missed"]:
            output.messages.print(
                f"{schedule['name']}: no task for {slot}: missed, or still in the queue", markup=False
            )


def run(name: ScheduleName, as_json: output.AsJson = False) -> None:
    """Send a schedule's task now, and print its id."""
    asking.connect()
    task_id = schedules.run_now(name, asking.who())
    output.print_json({"id": task_id}) if as_json else typer.echo(task_id)


def enable(name: ScheduleName, as_json: output.AsJson = False) -> None:
    """Switch a schedule on."""
    _switch(name, enabled=True, as_json=as_json)


def disable(name: ScheduleName, as_json: output.AsJson = False) -> None:
    """Switch a schedule off."""
    _switch(name, enabled=False, as_json=as_json)


def _switch(name: str, *, enabled: bool, as_json: bool) -> None:
    asking.connect()
    changed: Any = schedules.set_enabled(name, enabled)
    output.print_json(changed) if as_json else output.facts(changed)
