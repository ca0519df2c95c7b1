"""Shell completion: names of tasks, queues and statuses from the code, task ids and schedules from the stack.

Each function returns pairs of a value and its description, for values that begin with the typed text, or, of items,
contain it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from makertasks import tasks
from makertasks.cli import output, shown
from makertasks.client import configuration
from makertasks.errors import MakertasksError
from makertasks.inventory import names
from makertasks.monitoring import listing, schedules
from makertasks.records.states import FINAL, Status

Offers = list[tuple[str, str]]

MOST_ITEMS = 50


class Found(str):
    """A value that was found by more than its beginning: Typer drops those that do not begin with the typed text."""

    __slots__ = ()

    def startswith(self, *_typed: Any) -> bool:
        """Return True: what is typed was looked for already."""
        return True


def task_names(incomplete: str) -> Offers:
    """Short names of tasks, or full names once a dot is typed."""
    known = tasks.discover().values()
    named = [(task.name if "." in incomplete else task.name.rpartition(".")[2], task.name) for task in known]
    return _beginning(named, incomplete)


def queue_names(incomplete: str) -> Offers:
    """Short names of queues, which are also the names of workers."""
    return _beginning([(name, "") for name in tasks.queues()], incomplete)


def statuses(incomplete: str) -> Offers:
    """Every status."""
    return _beginning([(status.value, "") for status in Status], incomplete.upper())


def final_statuses(incomplete: str) -> Offers:
    """Statuses of finished tasks."""
    return _beginning([(status.value, "") for status in Status if status in FINAL], incomplete.upper())


def task_ids(incomplete: str) -> Offers:
    """Ids of the newest tasks."""

    def newest() -> Iterator[tuple[str, str]]:
        page = listing.page(listing.Filter(), limit=listing.MAXIMUM_LIMIT, names=tasks.discover())
        for record in page.records:
            yield record.task_id, f"{shown.short_name(record.name)} {record.status}"

    return _beginning(_of_stack(newest), incomplete)


def items(incomplete: str) -> Offers:
    """Names of items that contain the typed words, or whose ids begin with the text; their ids are shown beside."""

    def found() -> Iterator[tuple[str, str]]:
        for item in names.search(incomplete, MOST_ITEMS).items:
            yield Found(" ".join(str(item.name).split())), item.item_id

    return [offer for offer in _of_stack(found) if not output.CONTROLS.search("".join(offer))]


def schedule_names(incomplete: str) -> Offers:
    """Names of the stack's schedules."""
    return _beginning(
        _of_stack(lambda: ((each["name"], each["expression"]) for each in schedules.list_schedules())), incomplete
    )


def _of_stack(read: Callable[[], Iterator[tuple[str, str]]]) -> Offers:
    """Read from the stack; return nothing on an error, which would be printed into the line being typed."""
    from makertasks.aws.errors import BOTO3_ERRORS  # noqa: PLC0415 - slow, and not needed for --help

    try:
        configuration.load()
        return list(read())
    except (MakertasksError, *BOTO3_ERRORS):
        return []


def _beginning(offers: Offers, incomplete: str) -> Offers:
    return [offer for offer in offers if offer[0].startswith(incomplete) and not output.CONTROLS.search("".join(offer))]
