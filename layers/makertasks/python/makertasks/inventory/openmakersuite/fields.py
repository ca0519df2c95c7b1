"""The fields of OpenMakerSuite's objects that are imported, with their types; other fields are ignored.

Field names, defaults and ranges are those of its Django models `inventory` and `reorder_queue`.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct

from makertasks.inventory.model import DEFAULT_LEAD_TIME_DAYS
from makertasks.inventory.openmakersuite.values import Cost, Count, Hazard, Key, Moment, Name, Text


class DumpedObject(Struct):
    """One element of a dump."""

    model: Text
    pk: Key
    fields: dict[str, Any]
    # Not in dumps; a live OpenMakerSuite sends them with its changes.
    deleted: Moment | None = None  # when it was deleted
    as_of: Moment | None = None  # when this state was read from the site's database, after its commit
    entries: list[tuple[str, str]] = []  # of a deleted object: its keys in the table, if its fields are not known
    related: bool = False  # included because others refer to it; it has not changed itself
    applied: dict[str, int] = {}  # of an item without image or QR code: the versions that the site had applied earlier


class NamedFields(Struct):
    """`inventory.location` and `inventory.supplier`."""

    name: Name


class CategoryFields(Struct):
    """`inventory.category`."""

    name: Name
    color: Text | None = None


class ItemFields(Struct):
    """`inventory.inventoryitem`."""

    name: Name
    description: Text | None = None
    sku: Text | None = None
    image: Text | None = None
    image_url: Text | None = None
    qr_code: Text | None = None
    category: Key | None = None
    location: Key | None = None
    reorder_quantity: Count = 0
    current_stock: Count = 0
    minimum_stock: Count = 0
    is_active: bool = True
    is_hazardous: bool = False
    msds_url: Text | None = None
    nfpa_health_hazard: Hazard | None = None
    nfpa_fire_hazard: Hazard | None = None
    nfpa_instability_hazard: Hazard | None = None
    nfpa_special_hazards: Text | None = None
    updated_at: Moment | None = None


class ItemSupplierFields(Struct):
    """`inventory.itemsupplier`."""

    item: UUID
    supplier: Key
    supplier_sku: Text | None = None
    unit_cost: Cost | None = None
    average_lead_time: Count = DEFAULT_LEAD_TIME_DAYS
    is_primary: bool = False
    is_active: bool = True
    updated_at: Moment | None = None


class ReorderRequestFields(Struct):
    """`reorder_queue.reorderrequest`; `supplier` is set only by installations that record it."""

    item: UUID
    status: Name
    quantity: Count | None = None
    priority: Text | None = None
    requested_at: Moment | None = None
    ordered_at: Moment | None = None
    actual_delivery: date | None = None
    order_number: Text | None = None
    supplier: Key | None = None
    updated_at: Moment | None = None


class PurchaseOrderFields(Struct):
    """`reorder_queue.purchaseorder`; an order's lead time starts on the day it was sent, otherwise on its date."""

    supplier: Key
    po_number: Text | None = None
    order_date: Moment | None = None
    sent_at: Moment | None = None


class PurchaseOrderItemFields(Struct):
    """`reorder_queue.purchaseorderitem`; a line without `item_supplier` buys a machine or something unlisted."""

    purchase_order: Key
    item_supplier: Key | None = None


class OrderDeliveryFields(Struct):
    """`reorder_queue.orderdelivery`."""

    purchase_order: Key
    delivery_date: Moment


class DeliveryItemFields(Struct):
    """`reorder_queue.deliveryitem`."""

    delivery: Key
    purchase_order_item: Key
    quantity_received: Count | None = None


class LeadTimeLogFields(Struct):
    """`reorder_queue.leadtimelog`; its own number of days is ignored: older versions counted business days."""

    item_supplier: Key
    purchase_order: Key | None
    order_date: Moment
    actual_delivery_date: date
    quantity_received: Count | None = None


FIELDS: dict[str, type[Struct]] = {
    "inventory.location": NamedFields,
    "inventory.supplier": NamedFields,
    "inventory.category": CategoryFields,
    "inventory.inventoryitem": ItemFields,
    "inventory.itemsupplier": ItemSupplierFields,
    "reorder_queue.reorderrequest": ReorderRequestFields,
    "reorder_queue.purchaseorder": PurchaseOrderFields,
    "reorder_queue.purchaseorderitem": PurchaseOrderItemFields,
    "reorder_queue.orderdelivery": OrderDeliveryFields,
    "reorder_queue.deliveryitem": DeliveryItemFields,
    "reorder_queue.leadtimelog": LeadTimeLogFields,
}
