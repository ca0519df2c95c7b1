"""Task types and items in the API's format."""

from __future__ import annotations

from typing import cast

from api import names, schemas
from makertasks import masking
from makertasks.aws import bucket
from makertasks.inventory.table import Broken, Item, ItemSupplier
from makertasks.tasks import Task
from makertasks.worker import task_limits

# Attributes of an item that are keys in the bucket, and the names of their links.
MEDIA = ("image", "thumbnail", "qr_code", "index_card")


def task_type(task: Task, schedules: list[str]) -> schemas.TaskType:
    """Return a task's definition with its current limits; `schedules` are the names of the schedules that send it."""
    limits = task_limits.of(task)
    return {
        "name": task.name,
        "title": names.heading(task.name),
        "queue": task.short_name,
        "purpose": task.purpose,
        "arguments": task.schema(),
        "max_retries": task.max_retries,
        "soft_time_limit": limits.soft_time_limit,
        "time_limit": limits.time_limit,
        "rate_limit": limits.rate_limit,
        "schedules": schedules,
        "item_button": _item_button(task),
        "example": None if task.example is None else dict(task.example),
    }


def _item_button(task: Task) -> schemas.ItemButton | None:
    return {"label": task.label, "argument": task.item_arguments[0]} if task.runs_for_an_item else None


def item(entry: Item) -> schemas.Item:
    """Return an item with presigned links to its files."""
    stored = {name: value for name, value in entry.attribute_values.items() if name not in _KEYS}
    category = entry.category
    if category is not None:
        stored["category"] = category.as_dict()
    links = {name: bucket.link(key) for name in MEDIA if (key := getattr(entry, name))}
    return cast("schemas.Item", {"id": entry.item_id, **masking.masked(stored), "links": links})


def supplier(link: ItemSupplier) -> schemas.Supplier:
    """Return a supplier's offer of an item; lead times are in days."""
    stored = {name: value for name, value in link.attribute_values.items() if name not in _KEYS}
    return cast("schemas.Supplier", {"id": link.entry.removeprefix("supplier#"), **stored})


def broken(rows: list[Broken]) -> list[schemas.BrokenRow]:
    """Return the inventory's unreadable rows, each with the reason."""
    return [{"item_id": row.item_id, "entry": str(row.entry), "problem": masking.text(row.problem)} for row in rows]


_KEYS = frozenset({"owner", "entry", "kind", "listing", "sort_name", "link_shard", "image_wanted", "site_image"})
