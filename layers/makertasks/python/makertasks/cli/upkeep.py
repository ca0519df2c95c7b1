"""import, cleanup, recount, qr-code, schedules."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from makertasks import tasks
from makertasks.aws import bucket
from makertasks.cli import asking, completion, output, sending
from makertasks.client import qr_codes as client_qr_codes
from makertasks.control import jobs
from makertasks.errors import InvalidRequest, NotFound, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.monitoring import listing, missed_runs, schedules
from makertasks.monitoring.counters import rebuilding
from makertasks.records.states import Status

IMPORT = "makertasks.import_dump"
# Seconds within which an uploaded file's import must start.
UPLOAD_SECONDS = 30.0

schedule_commands = typer.Typer(invoke_without_command=True, help="List, run, enable and disable schedules.")


ScheduleName = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule's name.", autocompletion=completion.schedule_names)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_dump)
    app.command()(cleanup)
    app.command("recount")(recount_tasks)
    app.command("qr-code")(draw_qr_code)
    app.add_typer(schedule_commands, name="schedules")
    schedule_commands.callback()(list_schedules)
    schedule_commands.command("run")(run)
    schedule_commands.command("enable")(enable)
    schedule_commands.command("disable")(disable)


def import_dump(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Output of `manage.py dumpdata inventory reorder_queue`.")
    ],
    as_json: output.AsJson = False,
) -> None:
    """Import an OpenMakerSuite dump.

    The dump may contain all objects or only changed ones.
    """
    asking.connect()
    if not file.is_file():
        raise NotFound(f"no such file: {file}")
    key = f"imports/{uuid.uuid4()}-{file.name}"
    with output.progress("uploading", file.stat().st_size, quiet=as_json) as report:
        sent = 0

        def count(amount: int) -> None:
            nonlocal sent
            sent += amount
            report(sent)

        bucket.upload(file, key, count)
    record = asking.wait_for(_import_of(key), "importing", quiet=as_json)
    answer = sending.outcome_of_job(record)
    output.print_json(answer) if as_json else output.facts(answer)


def _import_of(key: str) -> str:
    """Return the id of the task that the bucket's notification started for an object."""
    deadline = time.monotonic() + UPLOAD_SECONDS
    while time.monotonic() < deadline:
        page = listing.page(listing.Filter(name=IMPORT), names=tasks.discover())
        for record in page.records:
            if record.kwargs.get("key") == key:
                return record.task_id
        time.sleep(asking.LOOK_SECONDS)
    raise TimeoutError(
        f"{key} was uploaded, but its import has not started after {UPLOAD_SECONDS:g} s; see `makertasks list`"
    )


def cleanup(
    older_than: Annotated[float, typer.Option(min=0, help="Minimum age in days.")] = 30,
    status: Annotated[
        str,
        typer.Option(
            help="Status of the tasks: SUCCESS, FAILURE or REVOKED.", autocompletion=completion.final_statuses
        ),
    ] = "SUCCESS",
    force: Annotated[bool, typer.Option("--force", "-f", help="Skip the confirmation.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Delete the records of old tasks.

    By default those of successful tasks.
    """
    asking.connect()
    if status.upper() not in {Status.SUCCESS, Status.FAILURE, Status.REVOKED}:
        raise InvalidRequest("--status", f"must be SUCCESS, FAILURE or REVOKED, not {status!r}")
    if not force:
        typer.confirm(f"Delete all {status.upper()} tasks older than {older_than:g} days?", abort=True)
    arguments = {"older_than_days": older_than}
    job = jobs.start("cleanup", where={"status": status.upper()}, who=asking.who(), arguments=arguments)
    answer = sending.outcome_of_job(asking.wait_for(job.task_id, "deleting", quiet=as_json))
    if as_json:
        output.print_json(answer)
    else:
        output.console.print(f"Deleted {answer['done']} of {answer['found']} tasks.")


def recount_tasks(
    behind: Annotated[
        float, typer.Option(min=0, help="Skip counters of tasks that changed within this many seconds.")
    ] = rebuilding.BEHIND_SECONDS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the differences.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Rebuild the counters from the table.

    Reads the whole table and prints the counters that differed.
    """
    asking.connect()
    with output.progress("counting", None, quiet=as_json):
        answer = asdict(rebuilding.rebuild(repair=not dry_run, behind=behind))
    if as_json:
        output.print_json(answer)
        return
    columns = {"period": "PERIOD", "cell": "COUNTER", "counted": "OLD VALUE", "found": "COUNTED"}
    shown = [{**each, "counted": str(each["counted"]), "found": str(each["found"])} for each in answer["differences"]]
    output.table(iter(shown), columns, "no differences")
    mended, moving = answer["repaired"], len(answer["moving"])
    output.console.print(f"{answer['examined']} tasks counted; {mended} counters repaired, {moving} still changing.")


def draw_qr_code(
    item: Annotated[uuid.UUID, typer.Argument(metavar="ITEM_ID", help="The item's id.")],
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; standard output by default.")
    ] = None,
) -> None:
    """Draw an item's QR code as SVG, for printing at any size."""
    asking.connect()
    try:
        inventory.get_item(item)
    except UnknownItem as error:
        raise NotFound(str(error)) from error
    drawn = client_qr_codes.qr_code_svg(item)
    if file:
        file.write_bytes(drawn)
    else:
        typer.echo(drawn.decode(), nl=False)


def list_schedules(context: typer.Context, as_json: output.AsJson = False) -> None:
    """List schedules, next runs and missed runs."""
    if context.invoked_subcommand is not None:
        return
    asking.connect()
    found = missed_runs.seen(schedules.list_schedules())
    if as_json:
        output.print_json(found)
        return
    columns = {
        "name": "NAME",
        "expression": "SCHEDULE",
        "timezone": "TIME ZONE",
        "enabled": "ENABLED",
        "next_run": "NEXT RUN (UTC)",
    }
    rows = ({**schedule, "next_run": (schedule["next_run"] or "")[:19].replace("T", " ")} for schedule in found)
    output.table(rows, columns, "no schedules")
    for schedule in found:
        for slot in schedule["missed"]:
            output.say(f"{schedule['name']}: no task for the run at {slot}: missed or still in the queue")


def run(name: ScheduleName, as_json: output.AsJson = False) -> None:
    """Run a schedule's task now and print its id."""
    asking.connect()
    task_id = schedules.run_now(name, asking.who())
    output.print_json({"id": task_id}) if as_json else output.echo(task_id)


def enable(name: ScheduleName, as_json: output.AsJson = False) -> None:
    """Enable a schedule."""
    _switch(name, enabled=True, as_json=as_json)


def disable(name: ScheduleName, as_json: output.AsJson = False) -> None:
    """Disable a schedule."""
    _switch(name, enabled=False, as_json=as_json)


def _switch(name: str, *, enabled: bool, as_json: bool) -> None:
    asking.connect()
    changed: Any = schedules.set_enabled(name, enabled)
    output.print_json(changed) if as_json else output.facts(changed)
