"""Flower's routes that control workers and limits. A worker is the function of one task, by the task's short name."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Forbidden, Role
from api.arguments import TaskName
from api.flower.applying import Message
from api.flower.fields import WorkerName
from api.resources.submissions import LONGEST
from api.routing import route
from makertasks import tasks
from makertasks.control.pausing import MAXIMUM_CONCURRENCY, MINIMUM_CONCURRENCY
from makertasks.errors import InvalidRequest, NotFound
from makertasks.monitoring import queues

NONE = HTTPStatus.BAD_REQUEST
A_WORKER = "generate_qr_code"

Count = Annotated[int, Meta(ge=0, le=MAXIMUM_CONCURRENCY)]
# 0 removes a limit, as in Celery.
Limit = Annotated[float, Meta(ge=0, le=LONGEST, description="Seconds")]


class Grow(msgspec.Struct):
    """The number of tasks to add or remove."""

    n: Count = 1


class Autoscale(msgspec.Struct):
    """Limits of concurrency; Lambda scales to zero, so `min` has no effect."""

    max: Annotated[int, Meta(ge=1, le=MAXIMUM_CONCURRENCY)]
    min: Count


class QueueArgument(msgspec.Struct):
    """The queue to consume or to stop consuming."""

    queue: Annotated[str, Meta(min_length=1, max_length=80)]


class RateLimit(msgspec.Struct):
    """A rate as Celery writes it, such as 10/m; 0 removes the limit."""

    ratelimit: Annotated[str, Meta(min_length=1, max_length=20, examples=["10/m"])]
    workername: WorkerName | None = None


class TimeLimits(msgspec.Struct):
    """A task's soft and hard time limits in seconds; 0 removes a limit."""

    soft: Limit | None = None
    hard: Limit | None = None
    workername: WorkerName | None = None


@route("POST", "/api/worker/shutdown/{workername}", Role.OPERATOR, tag="Flower", example={"message": "Shutting down!"})
def flower_shutdown(workername: WorkerName, caller: Caller) -> Message:
    """Pause the function's queue; running tasks finish."""
    _known(workername)
    actions.pause(caller, workername)
    return {"message": "Shutting down!"}


@route("POST", "/api/worker/pool/restart/{workername}", Role.OPERATOR, tag="Flower", example={"message": "…"})
def flower_pool_restart(workername: WorkerName) -> Message:
    """Refuse to restart the pool: Lambda manages a function's environments itself."""
    _known(workername)
    raise Forbidden(f"Failed to restart the '{workername}' pool: AWS Lambda manages environments itself")


@route(
    "POST",
    "/api/worker/pool/grow/{workername}",
    Role.SUPERUSER,
    tag="Flower",
    unfit=NONE,
    example={"message": f"Growing '{A_WORKER}' worker's pool by 1"},
)
def flower_pool_grow(workername: WorkerName, arguments: Grow, caller: Caller) -> Message:
    """Increase the function's maximum concurrency."""
    _resize(caller, workername, arguments.n)
    return {"message": f"Growing '{workername}' worker's pool by {arguments.n}"}


@route(
    "POST",
    "/api/worker/pool/shrink/{workername}",
    Role.SUPERUSER,
    tag="Flower",
    unfit=NONE,
    example={"message": f"Shrinking '{A_WORKER}' worker's pool by 1"},
)
def flower_pool_shrink(workername: WorkerName, arguments: Grow, caller: Caller) -> Message:
    """Decrease the function's maximum concurrency, to at least 2, Lambda's minimum."""
    _resize(caller, workername, -arguments.n)
    return {"message": f"Shrinking '{workername}' worker's pool by {arguments.n}"}


@route(
    "POST",
    "/api/worker/pool/autoscale/{workername}",
    Role.SUPERUSER,
    tag="Flower",
    unfit=NONE,
    example={"message": f"Autoscaling '{A_WORKER}' worker (min=0, max=10)"},
)
def flower_autoscale(workername: WorkerName, arguments: Autoscale, caller: Caller) -> Message:
    """Set the function's maximum concurrency to `max`."""
    _known(workername)
    _set(caller, workername, arguments.max)
    return {"message": f"Autoscaling '{workername}' worker (min={arguments.min}, max={arguments.max})"}


@route(
    "POST",
    "/api/worker/queue/add-consumer/{workername}",
    Role.OPERATOR,
    tag="Flower",
    unfit=NONE,
    example={"message": f"add consumer {A_WORKER}"},
)
def flower_add_consumer(workername: WorkerName, arguments: QueueArgument, caller: Caller) -> Message:
    """Resume a function's queue."""
    _own(workername, arguments.queue, "add", "to")
    actions.resume(caller, workername)
    return {"message": f"add consumer {arguments.queue}"}


@route(
    "POST",
    "/api/worker/queue/cancel-consumer/{workername}",
    Role.OPERATOR,
    tag="Flower",
    unfit=NONE,
    example={"message": f"no longer consuming from {A_WORKER}"},
)
def flower_cancel_consumer(workername: WorkerName, arguments: QueueArgument, caller: Caller) -> Message:
    """Pause a function's queue."""
    _own(workername, arguments.queue, "cancel", "from")
    actions.pause(caller, workername)
    return {"message": f"no longer consuming from {arguments.queue}"}


@route(
    "POST",
    "/api/task/rate-limit/{taskname}",
    Role.SUPERUSER,
    tag="Flower",
    unfit=NONE,
    example={"message": "new rate limit set successfully"},
)
def flower_rate_limit(taskname: TaskName, arguments: RateLimit, caller: Caller) -> Message:
    """Set a task's rate limit."""
    _check_worker(taskname, arguments.workername)
    actions.change_limits(caller, taskname, rate_limit=arguments.ratelimit)
    return {"message": "new rate limit set successfully"}


@route(
    "POST",
    "/api/task/timeout/{taskname}",
    Role.SUPERUSER,
    tag="Flower",
    unfit=NONE,
    example={"message": "time limits set successfully"},
)
def flower_timeout(taskname: TaskName, arguments: TimeLimits, caller: Caller) -> Message:
    """Set a task's time limits; as in Celery, an omitted limit is removed."""
    _check_worker(taskname, arguments.workername)
    actions.change_limits(caller, taskname, soft_time_limit=arguments.soft or None, time_limit=arguments.hard or None)
    return {"message": "time limits set successfully"}


def _known(workername: str) -> None:
    if workername not in {task.short_name for task in tasks.discover().values()}:
        raise NotFound(f"Unknown worker '{workername}'")


def _check_worker(taskname: str, workername: str | None) -> None:
    """Raise UnknownTask, or NotFound for a worker that does not run the task."""
    if workername not in {None, tasks.find(taskname).short_name}:
        raise NotFound(f"Unknown worker '{workername}'")


def _own(workername: str, queue: str, doing: str, where: str) -> None:
    _known(workername)
    if queue != workername:
        reason = "a function consumes only the queue of its own name"
        raise Forbidden(f"Failed to {doing} '{queue}' consumer {where} '{workername}' worker: {reason}")


def _resize(caller: Caller, workername: str, difference: int) -> None:
    _known(workername)
    present = queues.get(workername)["maximum_concurrency"]
    if present is None:
        raise Forbidden(f"Failed to resize '{workername}' worker's pool: it has no limit; set one with autoscale")
    if difference:
        _set(caller, workername, max(present + difference, MINIMUM_CONCURRENCY))


def _set(caller: Caller, workername: str, number: int) -> None:
    """Set the concurrency; a number that Lambda refuses becomes Flower's error."""
    try:
        actions.set_maximum_concurrency(caller, workername, number)
    except InvalidRequest as error:
        raise Forbidden(f"Failed to resize '{workername}' worker's pool: it {error.reason}") from error
