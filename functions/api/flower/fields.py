"""A task in Flower's format: times in epoch seconds, arguments and results as Python literals."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from msgspec import Meta

from makertasks import clock, masking, wire
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Flower's own date format; it has no time zone, so times are in UTC.
DATE = "%Y-%m-%d %H:%M"
DATE_PATTERN = r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]) ([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)"
DATE_OPTION = "%Y-%m-%d %H:%M:%S.%f"

# Flower's state of a task that waits at its worker; here, the task waits in its queue.
RECEIVED = "RECEIVED"

WorkerName = Annotated[
    str,
    Meta(min_length=1, max_length=80, description="Short name of a task's function", examples=["generate_qr_code"]),
]

A_TASK = {
    "uuid": "3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11",
    "name": "inventory.tasks.generate_qr_code",
    "state": "SUCCESS",
    "received": 1795339800.0,
    "sent": 1795339800.0,
    "started": 1795339800.21,
    "rejected": None,
    "succeeded": 1795339800.455,
    "failed": None,
    "retried": None,
    "revoked": None,
    "args": "()",
    "kwargs": "{'item_id': '94cb6421-7fa1-4dab-802f-ec76eba2bfe7'}",
    "eta": None,
    "expires": None,
    "retries": 0,
    "worker": "generate_qr_code",
    "result": "{'qr_code': 'inventory/qrcodes/qr_94cb6421-7fa1-4dab-802f-ec76eba2bfe7.png'}",
    "exception": None,
    "timestamp": 1795339800.455,
    "runtime": 0.245,
    "traceback": None,
    "exchange": "",
    "routing_key": "generate_qr_code",
    "clock": 0,
    "client": "ann",
    "root": "3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11",
    "root_id": "3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11",
    "parent": None,
    "parent_id": None,
    "children": [],
}


class FlowerTask(TypedDict):
    """A task as Flower returns it."""

    uuid: str
    name: str
    state: str
    received: float | None
    sent: float | None
    started: float | None
    rejected: float | None
    succeeded: float | None
    failed: float | None
    retried: float | None
    revoked: float | None
    args: str
    kwargs: str
    eta: str | None
    expires: str | None
    retries: int
    worker: str | None
    result: str | None
    exception: str | None
    timestamp: float
    runtime: float | None
    traceback: str | None
    exchange: str | None
    routing_key: str | None
    clock: int
    client: str | None
    root: str
    root_id: str
    parent: str | None
    parent_id: str | None
    children: list[str]


def flower_task(record: TaskRecord) -> FlowerTask:
    """Return a record in Flower's format."""
    meta = wire.parse_result_meta(record.result)
    done = seconds(record.done)
    failed, retried = record.status == Status.FAILURE, record.status == Status.RETRY
    root = record.root_id or record.task_id
    return {
        "uuid": record.task_id,
        "name": record.name,
        "state": RECEIVED if record.status == Status.PENDING else record.shown_status,
        "received": seconds(record.created),
        "sent": seconds(record.created),
        "started": seconds(record.started),
        "rejected": None,
        "succeeded": done if record.status == Status.SUCCESS else None,
        "failed": done if failed else None,
        "retried": _retried(record),
        "revoked": done if record.status == Status.REVOKED else None,
        "args": repr(tuple(record.args or ())),
        "kwargs": repr(record.kwargs),
        "eta": record.retry_at if retried else record.eta,
        "expires": record.expires,
        # A task in RETRY counts its next attempt, because in Flower the worker has already received its message.
        "retries": max(int(record.attempt or 0) - (not retried), 0),
        "worker": worker_of(record),
        "result": repr(masking.masked(meta["result"])) if record.status == Status.SUCCESS else None,
        "exception": exception(record) if failed or retried else None,
        "timestamp": done or float(record.timestamp),
        "runtime": record.runtime if record.status == Status.SUCCESS else None,
        "traceback": meta.get("traceback") if failed or retried else None,
        "exchange": "",
        "routing_key": record.queue,
        "clock": 0,
        "client": record.requested_by,
        "root": root,
        "root_id": root,
        "parent": record.parent_id,
        "parent_id": record.parent_id,
        "children": record.child_ids,
    }


def worker_of(record: TaskRecord) -> str | None:
    """Return Flower's worker: the function that runs or ran the task, or in whose queue it waits."""
    return record.worker.partition("@")[0] if record.worker else record.queue or None


def exception(record: TaskRecord) -> str:
    """Return a failure as the `repr()` of its exception."""
    return f"{record.error_type}({record.error_message!r})"


def seconds(moment: str | None) -> float | None:
    """Return a time as epoch seconds."""
    return clock.parse(moment).timestamp() if moment else None


def _retried(record: TaskRecord) -> float | None:
    ends: list[Any] = [attempt["end"] for attempt in record.attempts or [] if attempt["outcome"] == Status.RETRY]
    return seconds(ends[-1]) if ends else None
