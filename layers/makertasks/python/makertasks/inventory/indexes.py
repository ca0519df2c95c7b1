"""The inventory table's indexes, all of them sparse: their entries and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection

if TYPE_CHECKING:
    from makertasks.inventory.model import Delivery, Item, ItemSupplier  # noqa: F401 - what the indexes are of


class ItemsIndex(GlobalSecondaryIndex["Item"]):
    """Every item by its name in lower case: lists and searches items.

    Keys only, so that a change of stock or picture does not write to the index; BatchGetItem reads a page's items.
    """

    class Meta:
        index_name = "items"
        projection = IncludeProjection(["kind"])  # the class is part of every query

    listing = UnicodeAttribute(hash_key=True)
    sort_name = UnicodeAttribute(range_key=True)


class LinksIndex(GlobalSecondaryIndex["ItemSupplier"]):
    """Every supplier link, by shard and then in the order of its items: read and updated for lead times."""

    class Meta:
        index_name = "links"
        projection = IncludeProjection(
            [
                "kind",
                "supplier_id",
                "supplier_name",
                "unit_cost",
                "is_primary",
                "is_active",
                "average_lead_time",
                "lead_time_median",
                "lead_time_p90",
            ]
        )

    link_shard = UnicodeAttribute(hash_key=True)
    owner = UnicodeAttribute(range_key=True)


class DeliveriesIndex(GlobalSecondaryIndex["Delivery"]):
    """Received deliveries, by week and then by delivery date."""

    class Meta:
        index_name = "deliveries"
        projection = IncludeProjection(
            ["kind", "ordered_at", "supplier_id", "supplier_source", "status", "order_number"]
        )

    delivery_week = UnicodeAttribute(hash_key=True)
    actual_delivery = UnicodeAttribute(range_key=True)
