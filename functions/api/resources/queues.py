"""The tasks' queues: numbers of messages, state, history, and actions on them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.arguments import A_TASK, QueueName
from api.resources.statistics import Range
from api.resources.tasks import A_WAITING_TASK
from api.routing import route
from makertasks.control.pausing import MAXIMUM_CONCURRENCY, MINIMUM_CONCURRENCY
from makertasks.monitoring import queue_history
from makertasks.monitoring import queues as task_queues
from makertasks.monitoring import views as task_views
from makertasks.monitoring.queue_history import QueueHistory
from makertasks.monitoring.queues import Queue

A_QUEUE = {
    "name": "generate_qr_code",
    "task": "inventory.tasks.generate_qr_code",
    "tasks": ["inventory.tasks.generate_qr_code"],
    "waiting": 3,
    "in_flight": 1,
    "delayed": 0,
    "dead": 0,
    "oldest_seconds": 4.2,
    "state": "running",
    "maximum_concurrency": 10,
}


class QueueList(TypedDict):
    """Every queue."""

    queues: list[Queue]


class QueueLimits(msgspec.Struct, forbid_unknown_fields=True):
    """The settings of a queue."""

    maximum_concurrency: (
        Annotated[
            int,
            Meta(
                ge=MINIMUM_CONCURRENCY,
                le=MAXIMUM_CONCURRENCY,
                description="Maximum number of the queue's tasks that run at the same time; null: no limit",
            ),
        ]
        | None
    )


@route("GET", "/v1/queues", Role.VIEWER, tag="Queues", example={"queues": [A_QUEUE]})
def list_queues() -> QueueList:
    """List queues with their numbers of messages and the age of each one's oldest message."""
    return {"queues": task_queues.list_queues()}


@route("GET", "/v1/queues/{queue}", Role.VIEWER, tag="Queues", example=A_QUEUE)
def get_queue(queue: QueueName) -> Queue:
    """Get a queue."""
    return task_queues.get(queue)


@route(
    "GET",
    "/v1/queues/{queue}/history",
    Role.VIEWER,
    tag="Queues",
    example={
        "queue": "generate_qr_code",
        "from": "2026-11-21T09:30:00.000000Z",
        "to": "2026-11-22T09:30:00.000000Z",
        "step": "hour",
        "periods": [{"period": "2026-11-22T09", "wait": {"mean": 0.4, "longest": 2.1}, "most_waiting": 12}],
    },
)
def get_queue_history(queue: QueueName, query: Range) -> QueueHistory:
    """Get waiting times before first attempts and largest numbers of waiting messages, by hour.

    For more than three days, they are by day.
    """
    return queue_history.of(queue, *query.times())


@route(
    "PATCH",
    "/v1/queues/{queue}",
    Role.SUPERUSER,
    tag="Queues",
    body_example={"maximum_concurrency": 10},
    example=A_QUEUE,
)
def change_queue(queue: QueueName, body: QueueLimits, caller: Caller) -> Queue:
    """Set a queue's maximum concurrency; the next deployment of the stack resets it."""
    return actions.set_maximum_concurrency(caller, queue, body.maximum_concurrency)


@route("POST", "/v1/queues/{queue}/pause", Role.OPERATOR, tag="Queues", example=A_QUEUE | {"state": "changing"})
def pause_queue(queue: QueueName, caller: Caller) -> Queue:
    """Pause the queue: its messages wait, and running tasks finish."""
    return actions.pause(caller, queue)


@route(
    "POST",
    "/v1/queues/{queue}/purge",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Queues",
    example=A_WAITING_TASK
    | {"name": "makertasks.bulk_action", "queue": "bulk_action", "item_id": None, "item_name": None},
)
def purge_queue(queue: QueueName, caller: Caller) -> task_views.TaskDetail:
    """Start a job that deletes all waiting messages and revokes their tasks; its result has their number."""
    return actions.purge(caller, queue)


@route(
    "POST",
    "/v1/queues/{queue}/redrive",
    Role.OPERATOR,
    tag="Queues",
    example={"redriven": {A_TASK: "5d7c9a52-1a52-4b12-9f3f-0a5a31b0ad3e"}, "refused": {}, "complete": True},
)
def redrive_queue(queue: QueueName, caller: Caller) -> actions.Redriven:
    """Send the queue's dead letters of the last 14 days again as new tasks, up to 100 per call."""
    return actions.redrive(caller, queue)


@route("POST", "/v1/queues/{queue}/resume", Role.OPERATOR, tag="Queues", example=A_QUEUE)
def resume_queue(queue: QueueName, caller: Caller) -> Queue:
    """Resume the queue."""
    return actions.resume(caller, queue)
