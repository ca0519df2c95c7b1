"""What several commands need: the user's name, parsed options, tasks by full or short name, waiting for a task."""

from __future__ import annotations

import getpass
import json
import time
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from makertasks import clock, tasks
from makertasks.cli import completion, output
from makertasks.client import configuration
from makertasks.errors import InvalidRequest, NotFound, did_you_mean
from makertasks.inventory import names
from makertasks.monitoring import queues as task_queues
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.tasks import Task

Destination = Annotated[
    list[str] | None,
    typer.Option(
        "--destination", "-d", help="Limit to these workers (short names).", autocompletion=completion.queue_names
    ),
]
TaskIds = Annotated[list[str], typer.Argument(metavar="ID…", help="Task ids.", autocompletion=completion.task_ids)]

# Seconds between reads of a task that a command waits for.
LOOK_SECONDS = 0.3
# Items that an ambiguous name is compared with, and those that its error lists.
MOST_ITEMS = 50
SHOWN_ITEMS = 5


def connect() -> None:
    """Load the stack's configuration; raises NotConfigured."""
    configuration.load()


def who() -> str:
    """Return the name of the user, for records and the audit log."""
    return f"{getpass.getuser()} (command line)"


def task_named(name: str) -> Task:
    """Return a task by its full or short name; raises UnknownTask."""
    if "." in name:
        return tasks.find(name)
    found = next((task for task in tasks.discover().values() if task.name.rpartition(".")[2] == name), None)
    return found if found is not None else tasks.find(name)


def item_named(text: str) -> str:
    """Return the id of an item, given that or its name, or a part that no other name contains.

    Raises InvalidRequest for several such items, and NotFound. An id is not looked up: tasks outlive their items.
    """
    with suppress(ValueError):
        return str(UUID(text))
    found = names.search(text, MOST_ITEMS).items
    same = [item for item in found if names.folded(str(item.name)).split() == names.folded(text).split()]
    if len(same or found) == 1:
        return (same or found)[0].item_id
    if not found:
        raise NotFound(f"no item is named {text!r}; give an item's id or a part of its name")
    listed = ", ".join(f"{item.name} ({item.item_id})" for item in (same or found)[:SHOWN_ITEMS])
    raise InvalidRequest("--item", f"{text!r} fits several items; give the id of one: {listed}")


def purged_by(queue: str) -> str:
    """Return the name by which a job selects a queue's tasks: the task's, or the Celery application's queue."""
    first = tasks.of_queue(queue)[0]
    return queue if first.is_of_application else first.name


def json_of(option: str, text: str | None, kind: type[Any]) -> Any:
    """Parse an option's JSON; raises InvalidRequest unless it is JSON of the given kind."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(option, f"is not JSON: {error}") from error
    if not isinstance(value, kind):
        wanted = 'an object such as {"item_id": "…"}' if kind is dict else 'a list such as ["…"]'
        raise InvalidRequest(option, f"must be {wanted}")
    return value


def moment(option: str, text: str | None) -> datetime | None:
    """Parse an option's ISO 8601 time; raises InvalidRequest."""
    if text is None:
        return None
    try:
        return clock.parse(text)
    except ValueError as error:
        raise InvalidRequest(option, f"must be a time such as 2026-11-22T09:30:00Z, not {text!r}") from error


def seconds_or_moment(option: str, text: str | None) -> datetime | float | None:
    """Parse an option that holds seconds or a time; raises InvalidRequest."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return moment(option, text)


def wait_for(task_id: str, what: str, timeout: float | None = None, *, quiet: bool = False) -> TaskRecord:
    """Wait until a task has finished, with a progress bar, and return its record.

    A task sent by a stock Celery client has no record until its function starts: with a time-out, wait for that too.
    Raises NotFound or TimeoutError.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    with output.progress(what, None, quiet=quiet) as report:
        while True:
            record = records.stored(task_id) if deadline else records.get(task_id)
            if record and record.is_final:
                return record
            if record and record.progress:
                report(record.progress["done"], record.progress["total"])
            if deadline is not None and time.monotonic() > deadline:
                if record is None:
                    raise NotFound(f"task {task_id} not found after {timeout:g} s")
                raise TimeoutError(
                    f"task {task_id} is still {record.status} after {timeout:g} s; it continues in the background"
                )
            time.sleep(LOOK_SECONDS)


def queues_named(names: list[str] | None) -> list[str]:
    """Return the named queues, or all that the stack uses if none is named; raises NotFound."""
    known = {task.short_name: task for task in tasks.discover().values()}
    for name in names or []:
        if name not in known:
            raise NotFound(f"there is no queue {name!r}{did_you_mean(name, known)}")
    return names or [name for name, task in known.items() if not task.optional or task_queues.mapping_of(name)]
