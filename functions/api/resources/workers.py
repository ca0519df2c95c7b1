"""Workers: the functions that run tasks."""

from __future__ import annotations

from typing import TypedDict

from api.access import Role
from api.routing import route
from makertasks.monitoring import workers
from makertasks.monitoring.workers import Worker

A_WORKER = {
    "function": "generate_qr_code",
    "task": "inventory.tasks.generate_qr_code",
    "tasks": ["inventory.tasks.generate_qr_code"],
    "state": "running",
    "maximum_concurrency": 10,
    "running": 1,
    "processed": 40,
    "succeeded": 39,
    "failed": 1,
    "revoked": 0,
    "retried": 2,
    "since": "2026-11-21T09:30:00.000000Z",
    "environments": [
        {
            "worker": "generate_qr_code@1f2e3d4c",
            "last_seen": "2026-11-22T09:30:00.455000Z",
            "tasks": 12,
            "running": 1,
        }
    ],
}


class WorkerList(TypedDict):
    """Every worker."""

    workers: list[Worker]


@route("GET", "/v1/workers", Role.VIEWER, tag="Workers", example={"workers": [A_WORKER]})
def list_workers() -> WorkerList:
    """List each task's function: whether it accepts tasks, its totals of the last day, and its recent environments."""
    return {"workers": workers.list_workers()}
