"""Records, task types and items as the API shows them: plain JSON."""

from __future__ import annotations

from typing import Any, cast

from api import shapes
from makertasks import bucket, masking, task_limits, wire
from makertasks.inventory import Item, ItemSupplier
from makertasks.records import TaskRecord
from makertasks.states import Status
from makertasks.tasks import Task

# Attributes of an item that are keys in the bucket, and what their links are called.
MEDIA = ("image", "thumbnail", "qr_code", "index_card")

# Where tasks put what they make.
MADE = ("inventory/", "CACHE/", "index_cards/")
MOST_LINKS = 100


def task_summary(record: TaskRecord) -> shapes.TaskSummary:
    """A task in a list."""
    error: shapes.TaskError | None = None
    if record.error_type:
        error = {"type": record.error_type, "message": record.error_message, "fingerprint": record.fingerprint}
    return {
        "id": record.task_id,
        "name": record.name,
        "status": Status(record.status),
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
        "error": error,
        "progress": cast("shapes.Progress | None", record.progress),
        "requested_by": record.requested_by,
    }


def task_detail(record: TaskRecord, *, links: bool = True) -> shapes.TaskDetail:
    """One task with everything there is about it; `links` lead to the objects that its result names."""
    outcome = wire.parse_result_meta(record.result)
    large = record.payloads or {}
    has_result = record.status == Status.SUCCESS and "result" not in large
    result = masking.masked(outcome["result"]) if has_result else None
    return {
        **task_summary(record),
        "result": result,
        "large": {name: _large(pointer) for name, pointer in large.items()},
        "links": {key: bucket.link(key) for key in _keys_in(result)} if links else {},
        "traceback": outcome.get("traceback"),
        "attempts": attempts(record),
        "eta": record.eta,
        "expires": record.expires,
        "retry_at": record.retry_at,
        "terminate": record.terminate,
        "parent_id": record.parent_id,
        "root_id": record.root_id or record.task_id,
        "group_id": record.group_id,
        "children": record.child_ids,
        "retry_of": record.retry_of,
        "retried_to": record.retried_to or [],
        "differences": [
            {"argument": name, "before": change.get("from"), "after": change.get("to")}
            for name, change in (getattr(record, "changes", None) or {}).items()
        ],
    }


def _large(pointer: dict[str, Any]) -> shapes.LargeValue:
    return {"bytes": int(pointer["bytes"]), "link": bucket.link(str(pointer["key"]))}


def _keys_in(value: Any) -> list[str]:
    """Keys of pictures and PDFs that a result names, a hundred at most."""
    if isinstance(value, str):
        return [value] if value.startswith(MADE) else []
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [key for entry in entries for key in _keys_in(entry)][:MOST_LINKS]


def attempts(record: TaskRecord) -> list[shapes.Attempt]:
    """Every attempt, the last one made from the record's own attributes."""
    ended = cast("list[shapes.Attempt]", list(record.attempts or []))
    if record.status in {Status.PENDING, Status.RETRY, Status.REVOKED} or not record.started:
        return ended
    last: shapes.Attempt = {
        "start": record.started,
        "end": record.done,
        "worker": record.worker,
        "outcome": record.status,
        "error": f"{record.error_type}: {record.error_message}" if record.status == Status.FAILURE else None,
    }
    return [*ended, last]


def task_type(task: Task, schedules: list[str]) -> shapes.TaskType:
    """A task's definition with its limits as they are now; `schedules` are the names of those that send it."""
    limits = task_limits.of(task)
    return {
        "name": task.name,
        "queue": task.short_name,
        "purpose": task.purpose,
        "arguments": task.schema(),
        "max_retries": task.max_retries,
        "soft_time_limit": limits.soft_time_limit,
        "time_limit": limits.time_limit,
        "rate_limit": limits.rate_limit,
        "schedules": schedules,
    }


def item(entry: Item) -> shapes.Item:
    """An item with presigned links to what was made for it."""
    stored = {name: value for name, value in entry.attribute_values.items() if name not in _KEYS}
    category = entry.category
    if category is not None:
        stored["category"] = category.as_dict()
    links = {name: bucket.link(key) for name in MEDIA if (key := getattr(entry, name))}
    return cast("shapes.Item", {"id": entry.item_id, **stored, "links": links})


def supplier(link: ItemSupplier) -> shapes.Supplier:
    """A supplier's offer of an item; lead times are in days."""
    stored = {name: value for name, value in link.attribute_values.items() if name not in _KEYS}
    return cast("shapes.Supplier", {"id": link.entry.removeprefix("supplier#"), **stored})


_KEYS = frozenset({"owner", "entry", "kind", "listing", "sort_name", "link_shard"})
