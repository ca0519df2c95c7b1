"""Routes that submit, revoke, retry and delete tasks, and print card sheets."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api import actions, arguments, schemas
from api.access import Caller, Role
from api.arguments import A_NAME, A_TASK, AN_ITEM, Moment, TaskId, TaskName
from api.resources.tasks import A_DETAIL, A_WAITING_TASK
from api.routing import route
from makertasks.monitoring import views as task_views
from makertasks.submission.idempotency import MAXIMUM_CHARACTERS
from makertasks.submission.producer import MAXIMUM_RETRIES
from makertasks.submission.producer import Submission as Wanted
from makertasks.tasks import LAMBDA_SECONDS, MARGIN_SECONDS

# Maximum number of tasks per call; the client and the command line split larger batches.
MOST_TASKS = 1000
MOST_BYTES = 1_000_000
MOST_CARDS = 1000
# The task behind /v1/card-sheets, through which programs print cards without knowing the task's name and options.
CARD_SHEETS = "inventory.tasks.generate_index_cards"
A_YEAR = 366 * 86_400
LONGEST = LAMBDA_SECONDS - MARGIN_SECONDS

Arguments = Annotated[dict[str, Any], Meta(description="Arguments by name")]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAXIMUM_CHARACTERS,
        description="Within a day, the same key returns the same task, so a call can be repeated safely",
        examples=["reorder-4711"],
    ),
]
TimeLimit = Annotated[float, Meta(ge=0.01, le=LONGEST, description="Seconds")]
Wait = Annotated[float, Meta(ge=0, le=A_YEAR, description="Seconds from now")]


class Submission(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A task to submit, and its options."""

    name: TaskName
    kwargs: Arguments = {}
    args: Annotated[list[Any], Meta(max_length=20, description="Arguments by position")] = []
    task_id: TaskId | None = None
    countdown: Wait | None = None
    eta: Moment | None = None
    expires: Moment | Wait | None = None
    max_retries: Annotated[int, Meta(ge=0, le=MAXIMUM_RETRIES)] | None = None
    time_limit: TimeLimit | None = None
    soft_time_limit: TimeLimit | None = None

    def wanted(self) -> Wanted:
        """Return the submission as the producer expects it; raises InvalidRequest."""
        return Wanted(
            self.name,
            self.kwargs,
            self.args,
            task_id=self.task_id,
            countdown=self.countdown,
            eta=_time("eta", self.eta),
            expires=_time("expires", self.expires) if isinstance(self.expires, str) else self.expires,
            max_retries=self.max_retries,
            time_limit=self.time_limit,
            soft_time_limit=self.soft_time_limit,
        )


class SingleSubmission(Submission, forbid_unknown_fields=True, kw_only=True):
    """A task to submit, and its options."""

    idempotency_key: Key | None = None


class ManySubmissions(msgspec.Struct, forbid_unknown_fields=True):
    """The tasks to submit."""

    tasks: Annotated[list[Submission], Meta(min_length=1, max_length=MOST_TASKS)]
    idempotency_key: Key | None = None


class RevokeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Options for revoking a task."""

    terminate: Annotated[bool, Meta(description="Also stop a running task, at its next checkpoint")] = False


class RetryRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Options for retrying a task."""

    kwargs: (
        Annotated[dict[str, Any], Meta(description="All arguments of the new task; by default, the old task's")] | None
    ) = None


class SheetRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The cards to print."""

    item_ids: Annotated[
        list[UUID], Meta(min_length=1, max_length=MOST_CARDS, description="Items, in the order of printing")
    ]
    blank: Annotated[bool, Meta(description="Only the QR code")] = False
    skip: Annotated[int, Meta(ge=0, le=2, description="Number of labels already used on the first sheet")] = 0


@route(
    "POST",
    "/v1/tasks",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Tasks",
    refusals=(HTTPStatus.NOT_FOUND,),
    body_example={"name": A_NAME, "kwargs": {"item_id": AN_ITEM}, "countdown": 60},
    example=A_WAITING_TASK,
)
def submit_task(body: SingleSubmission, caller: Caller) -> task_views.TaskDetail:
    """Submit a task: record it, then send its message.

    A repeated `task_id` or `idempotency_key` returns the first task and sends nothing.
    """
    return actions.submit(caller, body.wanted(), body.idempotency_key)


@route(
    "POST",
    "/v1/tasks/batch",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Tasks",
    maximum_bytes=MOST_BYTES,
    body_example={"tasks": [{"name": A_NAME, "kwargs": {"item_id": AN_ITEM}}], "idempotency_key": "labels-2026-11-22"},
    example={"ids": [A_TASK], "rejected": [], "unsent": []},
)
def submit_tasks(body: ManySubmissions, caller: Caller) -> schemas.Submitted:
    """Submit up to 1,000 tasks independently of each other: invalid ones are reported by index, the others accepted."""
    done = actions.submit_many(caller, [each.wanted() for each in body.tasks], body.idempotency_key)
    return {
        "ids": done.ids,
        "rejected": [_rejection(each) for each in done.rejected],
        "unsent": [_rejection(each) for each in done.unsent],
    }


@route(
    "POST",
    "/v1/tasks/{task_id}/revoke",
    Role.OPERATOR,
    tag="Tasks",
    refusals=(HTTPStatus.CONFLICT,),
    body_example={"terminate": True},
    example=A_WAITING_TASK | {"status": "REVOKED", "done": "2026-11-22T09:30:05.000000Z"},
)
def revoke_task(task_id: TaskId, body: RevokeRequest, caller: Caller) -> task_views.TaskDetail:
    """Revoke a task. A running task stops at its next checkpoint, and only with `terminate`.

    A task without a record (another producer's message is still queued) is recorded as REVOKED.
    """
    return actions.revoke(caller, task_id, terminate=body.terminate)


@route(
    "POST",
    "/v1/tasks/{task_id}/retry",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Tasks",
    refusals=(HTTPStatus.CONFLICT,),
    body_example={"kwargs": {"item_id": AN_ITEM}},
    example=A_WAITING_TASK | {"retry_of": "5d7c9a52-1a52-4b12-9f3f-0a5a31b0ad3e"},
)
def retry_task(task_id: TaskId, body: RetryRequest, caller: Caller) -> task_views.TaskDetail:
    """Submit a finished task again as a new task, which refers to the old one and lists the changed arguments."""
    return actions.retry(caller, task_id, body.kwargs)


@route(
    "POST",
    "/v1/tasks/{task_id}/run-now",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Tasks",
    example=A_WAITING_TASK,
)
def run_task_now(task_id: TaskId, caller: Caller) -> task_views.TaskDetail:
    """Start a scheduled task, or a task's next attempt, now."""
    return actions.run_now(caller, task_id)


@route(
    "DELETE",
    "/v1/tasks/{task_id}",
    Role.SUPERUSER,
    status=HTTPStatus.NO_CONTENT,
    tag="Tasks",
    refusals=(HTTPStatus.CONFLICT,),
)
def delete_task(task_id: TaskId, caller: Caller) -> None:
    """Delete a finished task's record permanently."""
    actions.delete(caller, task_id)


@route(
    "POST",
    "/v1/card-sheets",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Items",
    body_example={"item_ids": [AN_ITEM], "skip": 1},
    example=A_DETAIL
    | {
        "name": CARD_SHEETS,
        "queue": "generate_index_cards",
        "kwargs": {"item_ids": [AN_ITEM], "blank": False, "skip": 1},
        "status": "PENDING",
        "result": None,
    },
)
def print_card_sheets(body: SheetRequest, caller: Caller) -> task_views.TaskDetail:
    """Submit a task that draws the index cards of up to 1,000 items; its `links` have the PDFs when it has finished."""
    kwargs = {"item_ids": [str(item_id) for item_id in body.item_ids], "blank": body.blank, "skip": body.skip}
    return actions.submit(caller, Wanted(CARD_SHEETS, kwargs))


def _time(field: str, text: str | None) -> datetime | None:
    return arguments.moment(field, text) if text else None


def _rejection(each: Any) -> schemas.Rejection:
    return {"index": each.index, "field": each.field, "reason": each.reason}
