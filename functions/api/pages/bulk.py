"""Bulk actions on the selected tasks or on all that match the filters, after a confirmation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.arguments import TaskId
from api.pages import forms, item_faces, rendering, task_lists, task_rows
from api.pages.addresses import address
from api.pages.task_lists import Filters
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock
from makertasks.errors import InvalidRequest, MakertasksError

# Tasks read to count the matches for the confirmation; the job finds all of them.
COUNTED = 500
Action = Literal["retry", "revoke", "delete"]


class Selection(Filters, kw_only=True):
    """Form of the list. `id` is one task or several; with `all`, the filters apply instead of the selection."""

    action: Action
    step: Literal["ask", "do"] = "ask"
    all: Literal["yes", ""] = ""
    terminate: Literal["yes", ""] = ""
    id: TaskId | Annotated[list[TaskId], Meta(max_length=100)] = msgspec.field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids of the selected tasks."""
        return self.id if isinstance(self.id, list) else [self.id]

    @property
    def done(self) -> str:
        """The action in the past tense, for the page of outcomes."""
        revoked = "revoked or stopping" if self.terminate else "revoked"
        return {"retry": "retried", "revoke": revoked, "delete": "deleted"}[self.action]

    @property
    def back(self) -> str:
        """The URL of the list."""
        return address("/tasks", self.filters())


@dataclass(frozen=True)
class Outcome:
    """The outcome for one task."""

    task_id: str
    text: str
    is_done: bool
    new_id: str = ""


@page("POST", "/tasks/bulk", Role.OPERATOR)
def act(caller: Caller, form: Selection, request: Request) -> Reply:
    """Ask for confirmation, then act: on selected tasks at once, on a filter's tasks by a background job."""
    if form.action == "delete":
        caller.require(Role.SUPERUSER)
    if not form.all and not form.ids:
        raise InvalidRequest("id", "is empty; select tasks in the list first")
    if form.step == "ask":
        return _question(caller, form, request)
    if form.all:
        return _job(caller, form)
    about = task_rows.by_id(form.ids)
    outcomes = [_one(caller, form, task_id) for task_id in form.ids]
    return rendering.page(
        request,
        caller,
        "bulk_done.html",
        section="/tasks",
        action=form.action,
        done=form.done,
        outcomes=outcomes,
        about=about,
        is_message=False,
        back=form.back,
    )


def _question(caller: Caller, form: Selection, request: Request) -> Reply:
    if form.all:
        found, complete = task_lists.newest(task_lists.wanted(form), COUNTED)
        rows, count = [], f"{len(found)}" if complete else f"more than {len(found)}"
    else:
        rows, count, complete = task_lists.again(form.ids), f"{len(form.ids)}", True
    return rendering.page(
        request,
        caller,
        "bulk.html",
        section="/tasks",
        form=form,
        rows=rows,
        count=count,
        is_one=count == "1",
        filters=form.filters(),
        named=item_faces.present([form.item_id] if form.item_id else []),
        back=form.back,
    )


def _job(caller: Caller, form: Selection) -> Reply:
    # The job must skip tasks that are created after this moment.
    wanted = task_lists.wanted(form)
    filters = {name: value for name, value in msgspec.to_builtins(wanted).items() if value is not None}
    filters.setdefault("created_to", clock.text(clock.now()))
    arguments = {"terminate": True} if form.terminate else None
    job = actions.start_job(caller, form.action, filters, arguments)
    return Reply.redirect(address(f"/jobs/{rendering.segment(job['id'])}", said="started"))


def _one(caller: Caller, form: Selection, task_id: str) -> Outcome:
    doing: Mapping[str, Callable[[], Any]] = {
        "retry": lambda: actions.retry(caller, task_id),
        "revoke": lambda: actions.revoke(caller, task_id, terminate=form.terminate == "yes"),
        "delete": lambda: actions.delete(caller, task_id),
    }
    try:
        answer = doing[form.action]()
    except MakertasksError as error:
        return Outcome(task_id, forms.without_prefix(str(error)), is_done=False)
    if form.action == "retry":
        return Outcome(task_id, "retried", is_done=True, new_id=answer["id"])
    if form.action == "revoke":
        return Outcome(
            task_id, "revoked" if answer["status"] == "REVOKED" else "will stop at its next checkpoint", is_done=True
        )
    return Outcome(task_id, "deleted", is_done=True)
