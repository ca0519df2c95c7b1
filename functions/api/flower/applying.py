"""Flower's routes that submit and revoke tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.arguments import A_TASK as AN_ID
from api.arguments import TaskId, TaskName
from api.flower.fields import DATE_OPTION
from api.flower.tasks import MOST_SECONDS, FlowerResult, result, state
from api.resources.submissions import TimeLimit, Wait
from api.routing import route
from makertasks import clock, tasks
from makertasks.errors import InvalidRequest, NotFound
from makertasks.submission.producer import Submission

ANSWER = {"task-id": AN_ID, "state": "PENDING"}
BODY = {"kwargs": {"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"}, "countdown": 60}

Date = Annotated[
    str,
    Meta(
        max_length=40,
        pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):",
        description="`%Y-%m-%d %H:%M:%S.%f` in UTC, or ISO 8601",
    ),
]
Truth = Literal["y", "yes", "t", "true", "on", "1", "n", "no", "f", "false", "off", "0", "True", "False"]
FALSE = {"n", "no", "f", "false", "off", "0", "False"}


class Message(TypedDict):
    """Flower's confirmation of an action."""

    message: str


# Flower also accepts seconds as text.
Seconds = Wait | Annotated[str, Meta(max_length=20, pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?\Z", examples=["60"])]


class Options(msgspec.Struct, forbid_unknown_fields=True):
    """Arguments and options of Celery's `apply_async`. `priority` and the options after it have no effect with SQS."""

    args: Annotated[list[Any], Meta(max_length=20)] = []
    kwargs: dict[str, Any] = {}
    task_id: TaskId | None = None
    countdown: Seconds | None = None
    eta: Date | None = None
    expires: Annotated[str, Meta(max_length=40)] | Wait | None = None
    time_limit: TimeLimit | None = None
    soft_time_limit: TimeLimit | None = None
    queue: Annotated[str, Meta(max_length=200, description="The task's own queue; no other is accepted")] | None = None
    priority: int | None = None
    retry: bool | None = None
    retry_policy: dict[str, Any] | None = None
    serializer: str | None = None
    compression: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    delivery_mode: int | str | None = None

    def submission(self, name: str) -> Submission:
        """Return the submission as the producer expects it; raises InvalidRequest."""
        return Submission(
            name,
            self.kwargs,
            self.args,
            task_id=self.task_id,
            countdown=None if self.countdown is None else float(self.countdown),
            eta=_moment("eta", self.eta) if self.eta else None,
            expires=_expiry(self.expires),
            time_limit=self.time_limit,
            soft_time_limit=self.soft_time_limit,
        )


class ApplyOptions(Options, forbid_unknown_fields=True):
    """The same options, and the maximum number of seconds to wait for the result."""

    timeout: Seconds | None = None


class RevokeArguments(msgspec.Struct):
    """Options for revoking a task; Lambda functions receive no signals, so `signal` has no effect."""

    terminate: Truth = "false"
    signal: Annotated[str, Meta(max_length=20)] = "SIGTERM"


@route(
    "POST",
    "/api/task/apply/{taskname}",
    Role.OPERATOR,
    tag="Flower",
    unfit=HTTPStatus.BAD_REQUEST,
    body_example=BODY,
    example={"task-id": AN_ID, "state": "SUCCESS", "result": 3},
)
def flower_apply(taskname: TaskName, body: ApplyOptions, caller: Caller) -> FlowerResult:
    """Submit a task and wait up to 25 s for its result: API Gateway ends every request after 30 s."""
    wait = MOST_SECONDS if body.timeout is None else float(body.timeout)
    return result(_start(taskname, body, caller), wait)


@route(
    "POST",
    "/api/task/async-apply/{taskname}",
    Role.OPERATOR,
    tag="Flower",
    unfit=HTTPStatus.BAD_REQUEST,
    body_example=BODY,
    example=ANSWER,
)
def flower_async_apply(taskname: TaskName, body: Options, caller: Caller) -> FlowerResult:
    """Submit a task."""
    return state(_start(taskname, body, caller))


@route(
    "POST",
    "/api/task/send-task/{taskname}",
    Role.OPERATOR,
    tag="Flower",
    unfit=HTTPStatus.BAD_REQUEST,
    body_example=BODY,
    example=ANSWER,
)
def flower_send_task(taskname: TaskName, body: Options, caller: Caller) -> FlowerResult:
    """Submit a task by name. Flower also sends unknown names; here they return 404, because no function runs them."""
    return state(_start(taskname, body, caller))


@route(
    "POST",
    "/api/task/revoke/{task_id}",
    Role.OPERATOR,
    tag="Flower",
    unfit=HTTPStatus.BAD_REQUEST,
    example={"message": f"Revoked '{AN_ID}'"},
)
def flower_revoke(task_id: TaskId, arguments: RevokeArguments, caller: Caller) -> Message:
    """Revoke a task; as in Flower, an unknown, running or finished task is not an error."""
    _revoke(caller, task_id, terminate=arguments.terminate not in FALSE)
    return {"message": f"Revoked '{task_id}'"}


@route("POST", "/api/task/abort/{task_id}", Role.OPERATOR, tag="Flower", example={"message": f"Aborted '{AN_ID}'"})
def flower_abort(task_id: TaskId, caller: Caller) -> Message:
    """Ask a running task to stop at its next checkpoint."""
    _revoke(caller, task_id, terminate=True)
    return {"message": f"Aborted '{task_id}'"}


def _revoke(caller: Caller, task_id: str, *, terminate: bool) -> None:
    try:
        actions.revoke(caller, task_id, terminate=terminate)
    except (actions.Conflict, NotFound):
        return  # Flower broadcasts the request and gets no reply


def _start(taskname: str, body: Options, caller: Caller) -> str:
    actions.check_name(taskname)
    own = tasks.find(taskname).short_name
    if body.queue not in {None, own}:
        raise InvalidRequest("queue", f"{taskname} has the queue {own}; no other is accepted")
    return actions.submit(caller, body.submission(taskname))["id"]


def _expiry(given: str | float | None) -> float | datetime | None:
    """Return an expiry as seconds from now (also given as text) or as a time; raises InvalidRequest."""
    if not isinstance(given, str):
        return given
    try:
        return msgspec.convert(float(given), Wait)
    except ValueError:
        return _moment("expires", given)


def _moment(field: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, DATE_OPTION).replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return clock.parse(text)
    except (ValueError, OverflowError) as error:
        reason = f"must be a time such as 2026-11-22 09:30:00.000000, not {text!r}"
        raise InvalidRequest(field, reason) from error
