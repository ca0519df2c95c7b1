"""The inventory table: the only module that talks to it.

Everything of one item stands under one partition key, so that one Query gives all a card needs:

    owner (partition)     entry (sort)            class
    item#{uuid}           item                    Item
    item#{uuid}           supplier#{link id}      ItemSupplier
    item#{uuid}           request#{request id}    ReorderRequest

Two indexes, both sparse: `items` (every item by name) and `deliveries` (requests received, by month and date).
Functions change single attributes with conditions, never whole rows, so that a stock change made meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from pynamodb.attributes import (
    BooleanAttribute,
    DiscriminatorAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.exceptions import DoesNotExist, PynamoDBException, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from makertasks import settings
from makertasks.errors import PassingError, UnknownItem

# A supplier link that was never measured, as in OpenMakerSuite.
DEFAULT_LEAD_TIME_DAYS = 7


class ItemsIndex(GlobalSecondaryIndex["Item"]):
    """Every item by its name in lower case: lists and searches items."""

    class Meta:
        index_name = "items"
        projection = IncludeProjection(["kind"])  # the class is part of every query

    listing = UnicodeAttribute(hash_key=True)
    sort_name = UnicodeAttribute(range_key=True)


class DeliveriesIndex(GlobalSecondaryIndex["ReorderRequest"]):
    """Requests that were received, by month and then by delivery date."""

    class Meta:
        index_name = "deliveries"
        projection = IncludeProjection(["kind", "ordered_at", "supplier_id", "status"])

    delivery_month = UnicodeAttribute(hash_key=True)
    actual_delivery = UnicodeAttribute(range_key=True)


class Entry(Model):
    """One item of the table; its class is in the attribute `kind`."""

    class Meta:
        table_name = ""  # set by connect()

    owner = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    kind = DiscriminatorAttribute(attr_name="kind")


class Item(Entry, discriminator="item"):
    """An inventory item. Media attributes are keys in the bucket; an absent one has not been made."""

    items = ItemsIndex()

    listing = UnicodeAttribute(default="item")
    sort_name = UnicodeAttribute()
    name = UnicodeAttribute()
    sku = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    location = UnicodeAttribute(null=True)
    category: MapAttribute[str, Any] = MapAttribute(null=True)  # {"name": …, "color": "#rrggbb"}
    image_url = UnicodeAttribute(null=True)  # where the image is to come from
    image = UnicodeAttribute(null=True)  # key of the image
    image_source = UnicodeAttribute(null=True)  # the image_url that `image` was made from
    thumbnail = UnicodeAttribute(null=True)
    qr_code = UnicodeAttribute(null=True)
    index_card = UnicodeAttribute(null=True)
    current_stock = NumberAttribute(default=0)
    minimum_stock = NumberAttribute(default=0)
    reorder_quantity = NumberAttribute(default=0)
    is_active = BooleanAttribute(default=True)
    is_hazardous = BooleanAttribute(default=False)
    nfpa_health_hazard = NumberAttribute(null=True)  # 0 to 4
    nfpa_fire_hazard = NumberAttribute(null=True)  # 0 to 4
    nfpa_instability_hazard = NumberAttribute(null=True)  # 0 to 4
    nfpa_special_hazards = UnicodeAttribute(null=True)
    msds_url = UnicodeAttribute(null=True)

    @property
    def item_id(self) -> str:
        """The item's UUID."""
        return self.owner.removeprefix("item#")


class ItemSupplier(Entry, discriminator="supplier"):
    """A supplier's offer of one item. Lead times are in days."""

    supplier_id = UnicodeAttribute()
    supplier_name = UnicodeAttribute(null=True)
    supplier_sku = UnicodeAttribute(null=True)
    unit_cost = UnicodeAttribute(null=True)  # a decimal as text, as Django writes it
    average_lead_time = NumberAttribute(default=DEFAULT_LEAD_TIME_DAYS)
    lead_time_median = NumberAttribute(null=True)
    lead_time_p90 = NumberAttribute(null=True)
    is_primary = BooleanAttribute(default=False)
    is_active = BooleanAttribute(default=True)


class ReorderRequest(Entry, discriminator="request"):
    """A reorder request. `actual_delivery` is a date; the times are ISO 8601."""

    deliveries = DeliveriesIndex()

    status = UnicodeAttribute()
    quantity = NumberAttribute(null=True)
    requested_at = UnicodeAttribute(null=True)
    ordered_at = UnicodeAttribute(null=True)
    actual_delivery = UnicodeAttribute(null=True)
    delivery_month = UnicodeAttribute(null=True)  # first 7 characters of actual_delivery
    supplier_id = UnicodeAttribute(null=True)


@dataclass
class ItemPage:
    """An item with everything that belongs to it."""

    item: Item
    suppliers: list[ItemSupplier] = field(default_factory=list)
    requests: list[ReorderRequest] = field(default_factory=list)


def connect() -> type[Entry]:
    """The model, bound to the table that the environment names."""
    for model in (Entry, Item, ItemSupplier, ReorderRequest):
        model.Meta.table_name = settings.inventory_table()
    return Entry


def owner_of(item_id: UUID | str) -> str:
    """Partition key of an item."""
    return f"item#{item_id}"


def get_item(item_id: UUID | str) -> Item:
    """One item; raises UnknownItem, or PassingError where DynamoDB refuses."""
    connect()
    try:
        return Item.get(owner_of(item_id), "item", consistent_read=True)
    except DoesNotExist as error:
        raise UnknownItem(str(item_id)) from error
    except PynamoDBException as error:
        raise PassingError(f"the inventory table did not answer: {error}") from error


def get_item_page(item_id: UUID | str) -> ItemPage:
    """One item with its supplier links and requests, by one Query; raises UnknownItem or PassingError."""
    connect()
    try:
        entries = list(Entry.query(owner_of(item_id)))
    except PynamoDBException as error:
        raise PassingError(f"the inventory table did not answer: {error}") from error
    item = next((entry for entry in entries if isinstance(entry, Item)), None)
    if item is None:
        raise UnknownItem(str(item_id))
    return ItemPage(
        item,
        [entry for entry in entries if isinstance(entry, ItemSupplier)],
        [entry for entry in entries if isinstance(entry, ReorderRequest)],
    )


def update_item(item_id: UUID | str, condition: Condition | None = None, **attributes: str | None) -> bool:
    """Set single attributes of an item (None removes one).

    Answers False where `condition` did not hold. Raises UnknownItem where the item is gone and PassingError where
    DynamoDB refuses; either way nothing has changed.
    """
    connect()
    item = Item(owner_of(item_id), "item")
    actions = [
        getattr(Item, name).remove() if value is None else getattr(Item, name).set(value)
        for name, value in attributes.items()
    ]
    exists = Item.owner.exists()
    try:
        item.update(actions=actions, condition=exists if condition is None else exists & condition)
    except UpdateError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise PassingError(f"the inventory table refused the change: {error}") from error
        if condition is None:
            raise UnknownItem(str(item_id)) from error
        get_item(item_id)
        return False
    return True


def deliveries(month: str, first: date, last: date) -> Iterator[ReorderRequest]:
    """Requests received in one month (`2026-11`) between two dates, oldest first, a page at a time."""
    connect()
    condition = ReorderRequest.actual_delivery.between(first.isoformat(), last.isoformat())
    yield from ReorderRequest.deliveries.query(month, condition)


def write(entries: Iterable[Entry]) -> None:
    """Write whole entries, 25 a request: for imports and samples, not for tasks."""
    connect()
    with Entry.batch_write() as batch:
        for entry in entries:
            batch.save(entry)
