"""What the API shows of tasks, task types and items: plain JSON."""

from __future__ import annotations

from typing import Any

from makertasks import bucket, wire
from makertasks.inventory import Item, ItemSupplier
from makertasks.records import TaskRecord
from makertasks.states import Status
from makertasks.tasks import Task

# Attributes of an item that are keys in the bucket, and what their links are called.
MEDIA = ("image", "thumbnail", "qr_code", "index_card")


def task_summary(record: TaskRecord) -> dict[str, Any]:
    """A task in a list."""
    error = {"type": record.error_type, "message": record.error_message, "fingerprint": record.fingerprint}
    return {
        "id": record.task_id,
        "name": record.name,
        "status": record.status,
        "args": record.args or [],
        "kwargs": record.kwargs,
        "item_id": record.item_id,
        "queue": record.queue,
        "worker": record.worker,
        "created": record.created,
        "started": record.started,
        "done": record.done,
        "runtime": record.runtime,
        "retries": max(int(record.attempt or 0) - 1, 0),
        "error": error if record.error_type else None,
        "progress": record.progress,
        "requested_by": record.requested_by,
    }


def task_detail(record: TaskRecord) -> dict[str, Any]:
    """One task with everything there is about it."""
    outcome = wire.parse_result_meta(record.result)
    return {
        **task_summary(record),
        "result": outcome["result"] if record.status == Status.SUCCESS else None,
        "traceback": outcome.get("traceback"),
        "attempts": attempts(record),
        "eta": record.eta,
        "expires": record.expires,
        "retry_at": record.retry_at,
        "parent_id": record.parent_id,
        "root_id": record.root_id or record.task_id,
        "group_id": record.group_id,
        "children": record.child_ids,
        "retry_of": record.retry_of,
        "retried_to": record.retried_to or [],
    }


def attempts(record: TaskRecord) -> list[dict[str, Any]]:
    """Every attempt, the last one made from the record's own attributes."""
    ended = list(record.attempts or [])
    if record.status in {Status.PENDING, Status.RETRY, Status.REVOKED} or not record.started:
        return ended
    last = {
        "start": record.started,
        "end": record.done,
        "worker": record.worker,
        "outcome": record.status,
        "error": f"{record.error_type}: {record.error_message}" if record.status == Status.FAILURE else None,
    }
    return [*ended, last]


def task_type(task: Task) -> dict[str, Any]:
    """A task's definition."""
    return {
        "name": task.name,
        "queue": task.short_name,
        "purpose": task.purpose,
        "arguments": task.schema(),
        "max_retries": task.max_retries,
        "soft_time_limit": task.soft_time_limit,
        "time_limit": task.time_limit,
        "rate_limit": task.rate_limit,
    }


def item(entry: Item) -> dict[str, Any]:
    """An item with presigned links to what was made for it."""
    stored = {name: value for name, value in entry.attribute_values.items() if name not in _KEYS}
    category = entry.category
    if category is not None:
        stored["category"] = category.as_dict()
    return {
        "id": entry.item_id,
        **stored,
        "links": {name: bucket.link(key) for name in MEDIA if (key := getattr(entry, name))},
    }


def supplier(link: ItemSupplier) -> dict[str, Any]:
    """A supplier's offer of an item; lead times are in days."""
    stored = {name: value for name, value in link.attribute_values.items() if name not in _KEYS}
    return {"id": link.entry.removeprefix("supplier#"), **stored}


_KEYS = frozenset({"owner", "entry", "kind", "listing", "sort_name", "link_shard"})
