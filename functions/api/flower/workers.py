"""Flower's list of workers: each task's function, with its running and waiting tasks."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Annotated, Any, TypedDict

import msgspec
from msgspec import Meta

from api.access import Role
from api.flower import fields
from api.flower.applying import FALSE, Truth
from api.flower.fields import WorkerName
from api.routing import route
from makertasks import tasks
from makertasks.errors import NotFound
from makertasks.monitoring import listing
from makertasks.monitoring import queues as task_queues
from makertasks.monitoring.counters import reading
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker import task_limits


class WorkersQuery(msgspec.Struct):
    """Flower's parameters; responses are always fresh, so `refresh` has no effect."""

    refresh: Truth = "false"
    status: Annotated[Truth, Meta(description="Only whether each worker accepts tasks")] = "false"
    workername: WorkerName | None = None


class FlowerWorker(TypedDict):
    """A worker as `celery inspect` describes one; lists have the newest 100 tasks of any worker."""

    stats: dict[str, Any]
    active_queues: list[dict[str, Any]]
    registered: list[str]
    scheduled: list[dict[str, Any]]
    active: list[dict[str, Any]]
    reserved: list[dict[str, Any]]
    revoked: list[str]
    conf: dict[str, Any]
    timestamp: float


A_WORKER = {
    "stats": {"total": {"inventory.tasks.generate_qr_code": 40}, "pool": {"max-concurrency": 10}, "prefetch_count": 0},
    "active_queues": [{"name": "generate_qr_code", "routing_key": "generate_qr_code", "durable": True}],
    "registered": ["inventory.tasks.generate_qr_code"],
    "scheduled": [],
    "active": [],
    "reserved": [],
    "revoked": [],
    "conf": {"task_time_limit": None, "task_soft_time_limit": None, "timezone": "UTC"},
    "timestamp": 1795339800.0,
}


@route(
    "GET",
    "/api/workers",
    Role.VIEWER,
    tag="Flower",
    unfit=HTTPStatus.BAD_REQUEST,
    refusals=(HTTPStatus.NOT_FOUND,),
    example={"generate_qr_code": A_WORKER},
)
def flower_list_workers(query: WorkersQuery) -> dict[str, FlowerWorker | bool]:
    """List workers or, with `status`, only whether each one accepts tasks."""
    queues = {queue["name"]: queue for queue in task_queues.list_queues()}
    if query.status not in FALSE:
        return {name: queue["state"] != "paused" for name, queue in queues.items()}
    if query.workername is not None:
        if query.workername not in queues:
            raise NotFound(f"Unknown worker '{query.workername}'")
        queues = {query.workername: queues[query.workername]}
    by_status = {status: _newest(status) for status in (Status.STARTED, Status.PENDING, Status.REVOKED)}
    accepted = {cell.name: sum(cell.counts.values()) for cell in reading.totals()}
    return {name: _worker(queue, by_status, accepted) for name, queue in queues.items()}


def _newest(status: Status) -> list[TaskRecord]:
    wanted = listing.Filter(status=status)
    return listing.page(wanted, limit=listing.MAXIMUM_LIMIT, names=list(tasks.discover())).records


def _worker(
    queue: task_queues.Queue, by_status: dict[Status, list[TaskRecord]], accepted: dict[str, int]
) -> FlowerWorker:
    served = tasks.of_queue(queue["name"])
    limits = {task.name: task_limits.of(task) for task in served}
    own = limits[served[0].name]
    running, waiting, revoked = (
        [record for record in by_status[status] if record.name in limits]
        for status in (Status.STARTED, Status.PENDING, Status.REVOKED)
    )
    return {
        "stats": {
            "total": {name: accepted[name] for name in limits if name in accepted},
            "broker": {"transport": "sqs", "hostname": queue["name"]},
            "pool": {"max-concurrency": queue["maximum_concurrency"], "processes": []},
            "prefetch_count": queue["in_flight"],
        },
        "active_queues": [
            {"name": queue["name"], "routing_key": queue["name"], "exchange": {"name": ""}, "durable": True}
        ],
        "registered": list(limits),
        "scheduled": [
            {"eta": record.eta, "priority": None, "request": _request(record)} for record in waiting if record.eta
        ],
        "active": [_request(record) for record in running],
        "reserved": [_request(record) for record in waiting if not record.eta],
        "revoked": [record.task_id for record in revoked],
        "conf": {
            "task_time_limit": own.time_limit,
            "task_soft_time_limit": own.soft_time_limit,
            "task_annotations": {name: {"rate_limit": each.rate_limit} for name, each in limits.items()},
            "timezone": "UTC",
        },
        "timestamp": time.time(),
    }


def _request(record: TaskRecord) -> dict[str, Any]:
    """Return a task in the format of `celery inspect active`."""
    return {
        "id": record.task_id,
        "name": record.name,
        "type": record.name,
        "args": record.args or [],
        "kwargs": record.kwargs,
        "hostname": fields.worker_of(record),
        "time_start": fields.seconds(record.started),
        "acknowledged": False,
        "delivery_info": {"routing_key": record.queue, "redelivered": None},
        "worker_pid": None,
    }
