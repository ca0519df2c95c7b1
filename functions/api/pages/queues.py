"""Queues: the list, one queue with its dead letters, and actions on queues."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.arguments import QueueName, TaskId
from api.pages import periods, queue_charts, rendering, task_rows
from api.pages.addresses import address
from api.pages.bulk import Outcome
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock
from makertasks.control import audit
from makertasks.errors import InvalidRequest
from makertasks.monitoring import dead_letters
from makertasks.monitoring import queues as task_queues

REFRESH_SECONDS = 10
# Number of audit entries that a queue's page searches, and number that it shows.
EXAMINED = 100
SHOWN = 5


class QueuesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the list: the action that led here."""

    said: Annotated[str, Meta(max_length=40)] = ""


class QueueQuery(QueuesQuery, forbid_unknown_fields=True):
    """Query of one queue's page: additionally its charts' period."""

    range: Literal["hour", "day", "month"] = "hour"


class Resumption(msgspec.Struct, forbid_unknown_fields=True):
    """Form that resumes a queue; `task` is the waiting task on whose page the form is, if any."""

    task: TaskId = ""


class Concurrency(msgspec.Struct, forbid_unknown_fields=True):
    """Form of a queue's maximum concurrency; empty for no limit."""

    maximum_concurrency: str = ""

    @property
    def number(self) -> int | None:
        """The number, None for an empty field; raises InvalidRequest."""
        text = self.maximum_concurrency.strip()
        if text and not (text.isascii() and text.isdigit()):
            raise InvalidRequest("maximum_concurrency", f"must be a whole number, not {text[:20]!r}")
        return int(text) if text else None


@page("GET", "/queues", Role.VIEWER)
def queues_page(caller: Caller, query: QueuesQuery, request: Request) -> Reply:
    """Show every queue with its length, oldest message, dead letters and state."""
    template = "queues_part.html" if rendering.is_update(request) else "queues.html"
    return rendering.page(
        request,
        caller,
        template,
        section="/queues",
        queues=task_queues.list_queues(),
        said=query.said,
        every=REFRESH_SECONDS,
    )


@page("GET", "/messages", Role.VIEWER)
def messages_page(caller: Caller, request: Request) -> Reply:
    """Show the dead letters of all queues, including those whose queue is unknown."""
    letters, complete = dead_letters.not_redriven()
    return rendering.page(
        request,
        caller,
        "dead_letters.html",
        section="/queues",
        letters=task_rows.letters(letters),
        complete=complete,
    )


@page("GET", "/queues/{queue}", Role.VIEWER)
def queue_page(queue: QueueName, caller: Caller, query: QueueQuery, request: Request) -> Reply:
    """Show one queue: its dead letters with their bodies, its charts and its settings."""
    letters, complete = dead_letters.not_redriven(queue)  # first, because the queue's count is taken from it
    found = task_queues.get(queue)
    return rendering.page(
        request,
        caller,
        "queue.html",
        section="/queues",
        queue=found,
        letters=task_rows.letters(letters),
        complete=complete,
        said=query.said,
        done=done_to(queue),
        **queue_charts.shown(found, periods.RANGES[query.range], clock.now()),
    )


def done_to(queue: str) -> list[audit.Entry]:
    """Return the queue's recent entries of the audit log."""
    return [entry for entry in audit.page(EXAMINED)["entries"] if entry["target"] == queue][:SHOWN]


@page("POST", "/queues/{queue}/pause", Role.OPERATOR)
def pause(queue: QueueName, caller: Caller) -> Reply:
    """Pause the queue."""
    actions.pause(caller, queue)
    return _back(queue, "paused")


@page("POST", "/queues/{queue}/resume", Role.OPERATOR)
def resume(queue: QueueName, caller: Caller, form: Resumption) -> Reply:
    """Resume the queue and return to its page, or to the page of a waiting task if the form was there."""
    actions.resume(caller, queue)
    if form.task:
        return Reply.redirect(address(f"/tasks/{rendering.segment(form.task)}", said="resumed"))
    return _back(queue, "resumed")


@page("POST", "/queues/{queue}/purge", Role.OPERATOR)
def purge(queue: QueueName, caller: Caller) -> Reply:
    """Start a job that revokes all waiting tasks of the queue, and go to it."""
    job = actions.purge(caller, queue)
    return Reply.redirect(address(f"/jobs/{rendering.segment(job['id'])}", said="purged"))


@page("POST", "/queues/{queue}/redrive", Role.OPERATOR)
def redrive(queue: QueueName, caller: Caller, request: Request) -> Reply:
    """Send the queue's dead letters back to it and show the outcome for each."""
    done = actions.redrive(caller, queue)
    outcomes = [Outcome(old, "sent again", is_done=True, new_id=new) for old, new in done["redriven"].items()]
    outcomes += [Outcome(old, reason, is_done=False) for old, reason in done["refused"].items()]
    return rendering.page(
        request, caller, "bulk_done.html", section="/queues", action="redrive", done="sent back to the queue",
        outcomes=outcomes, is_message=True, queue=queue, back=f"/queues/{rendering.segment(queue)}#dead",
        about=task_rows.by_id(each.task_id for each in outcomes),
    )  # fmt: skip


@page("POST", "/queues/{queue}/concurrency", Role.SUPERUSER)
def set_concurrency(queue: QueueName, caller: Caller, form: Concurrency) -> Reply:
    """Set the queue's maximum concurrency."""
    actions.set_maximum_concurrency(caller, queue, form.number)
    return _back(queue, "saved")


def _back(queue: str, said: str) -> Reply:
    return Reply.redirect(address(f"/queues/{rendering.segment(queue)}", said=said))
