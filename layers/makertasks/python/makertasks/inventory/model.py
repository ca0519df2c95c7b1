"""The contents of the inventory table: keys, classes, indexes. The queries are in `inventory.table`.

All entries of an item share one partition key, so that one Query returns everything a card needs:

    owner (partition)     entry (sort)            class
    item#{uuid}           item                    Item
    item#{uuid}           supplier#{link id}      ItemSupplier
    item#{uuid}           request#{request id}    ReorderRequest
    item#{uuid}           log#{id}, part#{id}     LoggedDelivery   (lead-time logs, lines of order deliveries)
    category#{id} …       reference               Reference        (objects that others refer to by number)

Three indexes, all sparse: `items` (every item by name), `links` (every supplier link, in the order of its items) and
`deliveries` (received deliveries, by week and date). A new entry derives its index attributes itself.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from zlib import crc32

from pynamodb.attributes import (
    BooleanAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
)

from makertasks.aws.dynamodb import Table
from makertasks.inventory import kinds
from makertasks.inventory.indexes import DeliveriesIndex, ItemsIndex, LinksIndex
from makertasks.inventory.kinds import KindAttribute

# The lead time of a supplier link that was never measured, as in OpenMakerSuite.
DEFAULT_LEAD_TIME_DAYS = 7

# Partitions of the `links` index: a bulk import writes at most 1,000 units a second into one partition.
LINK_SHARDS = 8

# An index's sort key has at most 1,024 bytes, a character in UTF-8 at most four.
SORT_NAME_LETTERS = 200

# OpenMakerSuite's status of a request whose goods have arrived.
RECEIVED = "received"


def sort_name_of(name: str) -> str:
    """A name as it is sorted and searched: in lower case, without surrounding spaces."""
    return name.strip().lower()[:SORT_NAME_LETTERS]


def shard_of(owner: str) -> str:
    """Partition of the `links` index that holds the links of one item."""
    return str(crc32(owner.encode()) % LINK_SHARDS)


def week_of(day: str) -> str:
    """Partition of the `deliveries` index for an ISO 8601 date: its week.

    A busy year has 50,000 deliveries or more, a week of which takes one or two requests.

    >>> week_of("2026-11-22"), week_of("2027-01-01")
    ('2026-W47', '2026-W53')
    """
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02d}"


# PynamoDB raises these where a value has the wrong type for its attribute, or a row's class does not exist.
_UNREADABLE = (TypeError, ValueError, KeyError, AttributeError)


class Entry(Table):
    """One item of the table; its class is in the attribute `kind`."""

    owner = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    kind = KindAttribute(attr_name="kind")
    as_of = UnicodeAttribute(null=True)  # when a live OpenMakerSuite read this state from its database

    def __init__(
        self,
        hash_key: str | None = None,
        range_key: str | None = None,
        _user_instantiated: bool = True,
        **attributes: Any,
    ) -> None:
        """Create it as PynamoDB does; an entry created by a caller then derives its index attributes."""
        super().__init__(hash_key, range_key, _user_instantiated, **attributes)
        if _user_instantiated:
            self.derive()

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Any:
        """Return a row's entry, or a Broken one if no class can read it, so that it does not block the others."""
        try:
            kinds.check(data)
            return super().from_raw_data(data)
        except _UNREADABLE as error:
            return Broken.of(data, error)

    def derive(self) -> None:
        """Set the attributes that only indexes need."""

    @property
    def item_id(self) -> str:
        """UUID of the item that this entry belongs to."""
        return str(self.owner).removeprefix("item#")

    @property
    def number(self) -> str:
        """OpenMakerSuite's number of a link, request or log: the part of the sort key after `#`."""
        return str(self.entry).rpartition("#")[2]


class Item(Entry, discriminator="item"):
    """An inventory item. Media attributes are keys in the bucket, absent until the file exists."""

    items = ItemsIndex()

    listing = UnicodeAttribute(default="item")
    sort_name = UnicodeAttribute()
    name = UnicodeAttribute()
    sku = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    location = UnicodeAttribute(null=True)
    category: MapAttribute[str, Any] = MapAttribute(null=True)  # {"name": …, "color": "#rrggbb"}
    image_url = UnicodeAttribute(null=True)  # where to download the image from
    image = UnicodeAttribute(null=True)  # key of the image
    site_image = UnicodeAttribute(null=True)  # the site's own image; `image` may be one that a task stored
    image_source = UnicodeAttribute(null=True)  # the image_url that `image` was made from
    thumbnail = UnicodeAttribute(null=True)
    image_digest = UnicodeAttribute(null=True)  # SHA-256 of the image, hexadecimal
    image_wanted = UnicodeAttribute(null=True)  # when the image was requested; older requests replace nothing
    image_version = NumberAttribute(null=True)  # increases whenever a task changes the image
    qr_code = UnicodeAttribute(null=True)
    qr_code_digest = UnicodeAttribute(null=True)
    qr_code_version = NumberAttribute(null=True)
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
    updated_at = UnicodeAttribute(null=True)  # when OpenMakerSuite last changed it, ISO 8601

    def derive(self) -> None:
        """The sort key of the `items` index is the name in lower case."""
        if self.name:
            self.sort_name = sort_name_of(self.name)


class ItemSupplier(Entry, discriminator="supplier"):
    """A supplier's offer of one item. Lead times are in days."""

    links = LinksIndex()

    link_shard = UnicodeAttribute(null=True)
    supplier_id = UnicodeAttribute()
    supplier_name = UnicodeAttribute(null=True)
    supplier_sku = UnicodeAttribute(null=True)
    unit_cost = UnicodeAttribute(null=True)  # a decimal as text, as Django writes it
    average_lead_time = NumberAttribute(default=DEFAULT_LEAD_TIME_DAYS)
    lead_time_median = NumberAttribute(null=True)  # set once the link has been measured here
    lead_time_p90 = NumberAttribute(null=True)
    lead_time_version = NumberAttribute(null=True)  # increases whenever a task changes them
    is_primary = BooleanAttribute(default=False)
    is_active = BooleanAttribute(default=True)
    updated_at = UnicodeAttribute(null=True)

    def derive(self) -> None:
        """The shard of the `links` index follows from the item."""
        if self.owner:
            self.link_shard = shard_of(self.owner)


class Delivery(Entry):
    """Base of requests and logged deliveries: when something was ordered and received, and from whom."""

    deliveries = DeliveriesIndex()

    ordered_at = UnicodeAttribute(null=True)  # ISO 8601 date-time
    actual_delivery = UnicodeAttribute(null=True)  # ISO 8601 date
    delivery_week = UnicodeAttribute(null=True)  # `2026-W47`, of actual_delivery, once received
    supplier_id = UnicodeAttribute(null=True)
    supplier_source = UnicodeAttribute(null=True)  # request, purchase_order or lead_time_log, which named the supplier
    order_number = UnicodeAttribute(null=True)  # of the purchase order
    updated_at = UnicodeAttribute(null=True)


class ReorderRequest(Delivery, discriminator="request"):
    """A request to reorder an item; received requests are deliveries."""

    status = UnicodeAttribute()
    quantity = NumberAttribute(null=True)
    priority = UnicodeAttribute(null=True)
    requested_at = UnicodeAttribute(null=True)

    def derive(self) -> None:
        """Only received requests are in the `deliveries` index."""
        received = self.status == RECEIVED and self.actual_delivery
        self.delivery_week = week_of(self.actual_delivery) if received else None


class LoggedDelivery(Delivery, discriminator="delivery"):
    """A delivery from a lead-time log or from a purchase order's delivery, with its supplier."""

    quantity = NumberAttribute(null=True)

    def derive(self) -> None:
        """Every logged delivery has been received."""
        self.delivery_week = week_of(self.actual_delivery) if self.actual_delivery else None


class Reference(Entry, discriminator="reference"):
    """An object of OpenMakerSuite that others refer to by number; each kind uses the attributes it needs.

    category: name, color · location, supplier: name · link: item, supplier · order: order_number, supplier, ordered_at
    line (of an order): order, link · arrival (of an order): order, delivered
    """

    name = UnicodeAttribute(null=True)
    color = UnicodeAttribute(null=True)
    item = UnicodeAttribute(null=True)
    supplier = UnicodeAttribute(null=True)
    link = UnicodeAttribute(null=True)
    order = UnicodeAttribute(null=True)
    order_number = UnicodeAttribute(null=True)
    ordered_at = UnicodeAttribute(null=True)
    delivered = UnicodeAttribute(null=True)


class Broken(Entry, discriminator="broken"):
    """A row that no class can read: a script or the console wrote a value of the wrong type."""

    problem: str
    row: dict[str, Any]  # in DynamoDB's format

    @classmethod
    def of(cls, data: dict[str, Any], error: Exception) -> Broken:
        """Create the entry for a row that raised an error."""
        broken = cls(data["owner"]["S"], data["entry"]["S"])
        broken.problem = f"{error}; correct the row, or import the object again"
        broken.row = data
        return broken

    def text(self, name: str) -> str | None:
        """The value of an attribute if it is text."""
        text: str | None = self.row.get(name, {}).get("S")
        return text

    def readable_as(self, model: type[Entry]) -> tuple[Entry, list[str]]:
        """The intended entry with the values that can be read, and the names of the attributes that cannot."""
        entry, unreadable = model(_user_instantiated=False), []
        for name, attribute in model.get_attributes().items():
            if attribute.attr_name in self.row:
                try:
                    value = attribute.deserialize(attribute.get_value(self.row[attribute.attr_name]))
                except _UNREADABLE:
                    unreadable.append(name)
                else:
                    setattr(entry, name, value)
        return entry, unreadable


# Each of these classes is bound to the table separately: PynamoDB keeps one connection per class.
MODELS: tuple[type[Entry], ...] = (
    Entry,
    Item,
    ItemSupplier,
    Delivery,
    ReorderRequest,
    LoggedDelivery,
    Reference,
    Broken,
)
