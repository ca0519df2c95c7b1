"""Inventory items: the list, one item, and the buttons for its image, QR code and card."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api import actions, pagination, views
from api.access import Caller, Role
from api.arguments import Cursor
from api.pages import rendering
from api.pages.addresses import address
from api.requests import Request
from api.resources.items import ItemId
from api.routing import Reply, page
from makertasks.errors import InvalidRequest
from makertasks.inventory import table as inventory
from makertasks.monitoring import listing
from makertasks.monitoring import views as task_views
from makertasks.submission.producer import Submission

ITEMS = 50
# Tasks that an item's page shows; the task list has the rest.
TASKS = 10
# The task behind each button.
MAKES = {
    "image": "inventory.tasks.download_image_from_url",
    "qr_code": "inventory.tasks.generate_qr_code",
    "card": "inventory.tasks.generate_index_card",
}


class ItemsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the list: the beginning of the name, and the page."""

    prefix: Annotated[str, Meta(max_length=200)] = ""
    cursor: Cursor = ""


class Make(msgspec.Struct, forbid_unknown_fields=True):
    """Form of an item's buttons."""

    what: Literal["image", "qr_code", "card"]


@page("GET", "/items", Role.VIEWER)
def items_page(caller: Caller, query: ItemsQuery, request: Request) -> Reply:
    """Items by name."""
    found, cursor, broken = inventory.list_items(ITEMS, query.cursor or None, query.prefix)
    following = address("/items", prefix=query.prefix, cursor=cursor) if cursor else None
    return rendering.page(
        request, caller, "items.html", section="/items", items=[views.item(entry) for entry in found],
        broken=views.broken(broken), query=query, following=following,
    )  # fmt: skip


@page("GET", "/items/{item_id}", Role.VIEWER)
def item_page(item_id: ItemId, caller: Caller, request: Request) -> Reply:
    """One item with its files, suppliers and tasks."""
    found = inventory.get_item_page(item_id)
    about, more = pagination.task_page(listing.Filter(item_id=str(item_id)), TASKS)
    return rendering.page(
        request,
        caller,
        "item.html",
        section="/items",
        item=views.item(found.item),
        suppliers=[views.supplier(link) for link in found.suppliers],
        broken=views.broken(found.broken),
        tasks=[task_views.summary(record) for record in about],
        more_tasks=more is not None,
    )


@page("POST", "/items/{item_id}", Role.OPERATOR)
def make(item_id: ItemId, caller: Caller, form: Make) -> Reply:
    """Submit a task for the item and go to it."""
    kwargs = {"item_id": str(item_id)}
    if form.what == "image":
        source = inventory.get_item(item_id).image_url
        if not source:
            raise InvalidRequest("image_url", "is not set for this item; set it in OpenMakerSuite first")
        kwargs["image_url"] = source
    submitted = actions.submit(caller, Submission(MAKES[form.what], kwargs))
    return Reply.redirect(address(f"/tasks/{rendering.segment(submitted['id'])}", said="submitted"))
