"""Inventory items: the list, and one item with a button for each task that runs for an item."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api import actions, pagination, views
from api.access import Caller, Role
from api.arguments import Cursor, TaskName
from api.pages import rendering
from api.pages.addresses import address
from api.requests import Request
from api.resources.items import ItemId
from api.routing import Reply, page
from makertasks import tasks
from makertasks.errors import InvalidRequest
from makertasks.inventory import names
from makertasks.inventory import table as inventory
from makertasks.monitoring import listing
from makertasks.monitoring import views as task_views
from makertasks.submission.producer import Submission

ITEMS = 50
# Number of tasks on an item's page; the task list has the rest.
TASKS = 10


class ItemsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the list: words of the name, and the page."""

    contains: Annotated[str, Meta(max_length=200)] = ""
    cursor: Cursor = ""


class Make(msgspec.Struct, forbid_unknown_fields=True):
    """Form of an item's buttons."""

    task: TaskName


@page("GET", "/items", Role.VIEWER)
def items_page(caller: Caller, query: ItemsQuery, request: Request) -> Reply:
    """Show items by name."""
    wanted, start = query.contains.strip(), query.cursor or None
    found, cursor, broken = names.search(wanted, ITEMS, start) if wanted else inventory.list_items(ITEMS, start)
    following = address("/items", contains=query.contains, cursor=cursor) if cursor else None
    return rendering.page(
        request, caller, "items.html", section="/items", items=[views.item(entry) for entry in found],
        broken=views.broken(broken), query=query, following=following,
    )  # fmt: skip


@page("GET", "/items/{item_id}", Role.VIEWER)
def item_page(item_id: ItemId, caller: Caller, request: Request) -> Reply:
    """Show one item with its files, suppliers and tasks."""
    found = inventory.get_item_page(item_id)
    about, more = pagination.task_page(listing.Filter(item_id=str(item_id)), TASKS)
    return rendering.page(
        request,
        caller,
        "item.html",
        section="/items",
        item=views.item(found.item),
        buttons=_buttons(found.item),
        suppliers=[views.supplier(link) for link in found.suppliers],
        broken=views.broken(found.broken),
        tasks=[task_views.summary(record) for record in about],
        more_tasks=more is not None,
    )


@page("POST", "/items/{item_id}", Role.OPERATOR)
def make(item_id: ItemId, caller: Caller, form: Make) -> Reply:
    """Submit a task for the item and go to it."""
    task = tasks.find(form.task)
    if not task.runs_for_an_item:
        raise InvalidRequest("task", f"{task.name} does not run for an item; choose one of the buttons")
    kwargs = task.for_item(_values(inventory.get_item(item_id)))
    submitted = actions.submit(caller, Submission(task.name, kwargs))
    return Reply.redirect(address(f"/tasks/{rendering.segment(submitted['id'])}", said="submitted"))


def _buttons(item: inventory.Item) -> list[tasks.Task]:
    """Return the tasks that can run for this item, by label; the others need a value that it lacks."""
    found = []
    for task in tasks.discover().values():
        if task.runs_for_an_item:
            with suppress(InvalidRequest):
                task.for_item(_values(item))
                found.append(task)
    return sorted(found, key=lambda task: task.label)


def _values(item: inventory.Item) -> dict[str, Any]:
    """Return an item's values for a task's arguments, unmasked: the task needs a password in a picture's URL."""
    return {**item.attribute_values, "id": str(item.item_id)}
