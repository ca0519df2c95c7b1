"""Actions on a task's page: retry, edit and retry, revoke, terminate, delete; and the task's log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.arguments import TaskId
from api.pages import form_errors, forms, item_faces, rendering
from api.pages.addresses import address
from api.requests import Request
from api.routing import Reply, page
from makertasks import tasks
from makertasks.errors import InvalidRequest, NotFound, UnknownTask
from makertasks.monitoring import dead_letters, task_logs
from makertasks.monitoring import views as task_views
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

LINES = 200
LOG_SECONDS = 10
# Steps of the form that retries with other arguments.
STEPS = ("edit", "review", "submit")
Sent = dict[str, Annotated[str, Meta(max_length=100_000)] | list[str]]


class Revocation(msgspec.Struct, forbid_unknown_fields=True):
    """Form that revokes a task; `terminate` stops a running one, too."""

    terminate: Literal["yes", ""] = ""


class LogQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the log: `known` is the task's state when a live page last read the lines."""

    known: Annotated[str, Meta(max_length=120)] = ""


class MessageForm(msgspec.Struct, forbid_unknown_fields=True):
    """Form of a dead letter's new body."""

    body: Annotated[str, Meta(min_length=1, max_length=100_000)]


@page("GET", "/tasks/{task_id}/retry", Role.OPERATOR)
def edit_page(task_id: TaskId, caller: Caller, request: Request) -> Reply:
    """Show the task's arguments as a form."""
    record = records.get(task_id)
    sent = forms.sent_arguments(request.sent)
    return _form(request, caller, record, sent or payloads.kwargs_of(record))


@page("POST", "/tasks/{task_id}/retry", Role.OPERATOR)
def retry(task_id: TaskId, caller: Caller, form: Sent, request: Request) -> Reply:
    """Retry the task, either unchanged or, after a review of the differences, with the form's arguments."""
    if "step" not in form:
        return _retried(actions.retry(caller, task_id))
    record = records.get(task_id)
    if form["step"] not in STEPS:
        raise InvalidRequest("step", f"must be one of {', '.join(STEPS)}")
    kwargs = forms.read(_schema(record), form)
    if form["step"] == "edit":
        return _form(request, caller, record, kwargs)
    if form["step"] == "submit":
        return _retried(actions.retry(caller, task_id, kwargs))
    tasks.find(record.name).bind((), kwargs)
    differences = forms.differences(payloads.kwargs_of(record), kwargs)
    return rendering.page(
        request,
        caller,
        "retry_review.html",
        section="/tasks",
        task=task_views.detail(record),
        differences=differences,
        named=item_faces.mentioned(differences),
        sent={name: value for name, value in form.items() if name.startswith(form_errors.ARGUMENTS)},
    )


@page("POST", "/tasks/{task_id}/revoke", Role.OPERATOR)
def revoke(task_id: TaskId, caller: Caller, form: Revocation) -> Reply:
    """Revoke the task."""
    task = actions.revoke(caller, task_id, terminate=form.terminate == "yes")
    said = "revoked" if task["status"] == Status.REVOKED else "terminating"
    return Reply.redirect(address(f"/tasks/{rendering.segment(task_id)}", said=said))


@page("POST", "/tasks/{task_id}/run-now", Role.OPERATOR)
def run_now(task_id: TaskId, caller: Caller) -> Reply:
    """Start a scheduled task now."""
    actions.run_now(caller, task_id)
    return Reply.redirect(address(f"/tasks/{rendering.segment(task_id)}", said="started_now"))


@page("POST", "/tasks/{task_id}/delete", Role.SUPERUSER)
def delete(task_id: TaskId, caller: Caller) -> Reply:
    """Delete a finished task's record."""
    actions.delete(caller, task_id)
    return Reply.redirect(address("/tasks", said="deleted"))


@page("POST", "/tasks/{task_id}/redrive", Role.OPERATOR)
def redrive(task_id: TaskId, caller: Caller) -> Reply:
    """Send a dead letter again, unchanged."""
    return _retried(actions.resend(caller, task_id), "sent")


@page("POST", "/tasks/{task_id}/discard", Role.OPERATOR)
def discard(task_id: TaskId, caller: Caller) -> Reply:
    """Discard a dead letter."""
    actions.discard(caller, task_id)
    return Reply.redirect(address(f"/tasks/{rendering.segment(task_id)}", said="discarded"))


@page("GET", "/tasks/{task_id}/message", Role.OPERATOR)
def message_page(task_id: TaskId, caller: Caller, request: Request) -> Reply:
    """Show a dead letter in a form."""
    record = records.get(task_id)
    if not record.body:
        raise NotFound(f"task {task_id} is not a dead letter: retry it instead")
    return rendering.page(
        request, caller, "message.html", section="/tasks", task=task_views.summary(record),
        body=request.sent.get("body", dead_letters.editable(record)),
    )  # fmt: skip


@page("POST", "/tasks/{task_id}/message", Role.OPERATOR)
def send_message(task_id: TaskId, caller: Caller, form: MessageForm) -> Reply:
    """Send the edited message as a new task."""
    return _retried(actions.resend(caller, task_id, form.body), "sent")


@page("GET", "/tasks/{task_id}/log", Role.VIEWER)
def log_page(task_id: TaskId, caller: Caller, query: LogQuery, request: Request) -> Reply:
    """Show the task's log; a live update returns only the lines, and nothing while the task waits unchanged."""
    record = records.get(task_id)
    is_waiting, digest = record.status in {Status.PENDING, Status.RETRY}, f"{record.status}-{record.attempt}"
    if rendering.is_update(request) and is_waiting and query.known == digest:
        return Reply("", 204)
    template = "log_part.html" if rendering.is_update(request) else "log.html"
    found = task_logs.lines(record, LINES)
    never_started = record.status == Status.REVOKED and not record.attempt
    task = task_views.summary(record)
    mentioned = (str(line["fields"]["item_id"]) for line in found["lines"] if "item_id" in line["fields"])
    own = {str(task["item_id"]): item for item in item_faces.of([task]).values()}
    named = item_faces.present(mentioned) | own
    return rendering.page(
        request, caller, template, section="/tasks", task=task, named=named, grows=task_logs.grows(record),
        is_waiting=is_waiting and not record.attempt, never_started=never_started, digest=digest,
        every=LOG_SECONDS, **found,
    )  # fmt: skip


def _retried(task: Mapping[str, Any], said: str = "retried") -> Reply:
    return Reply.redirect(address(f"/tasks/{rendering.segment(task['id'])}", said=said))


def _schema(record: TaskRecord) -> dict[str, Any]:
    """Return the schema of the task's arguments; raises Conflict if the task's code is gone."""
    try:
        return tasks.find(record.name).schema()
    except UnknownTask as error:
        raise actions.Conflict(f"task {record.task_id} cannot be retried: {record.name} no longer exists") from error


def _form(request: Request, caller: Caller, record: TaskRecord, values: Mapping[str, Any]) -> Reply:
    return rendering.page(
        request,
        caller,
        "retry.html",
        section="/tasks",
        task=task_views.detail(record),
        fields=item_faces.named(forms.fields(_schema(record), values, request.mistakes)),
    )
