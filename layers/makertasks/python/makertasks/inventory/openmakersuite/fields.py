"""The fields of OpenMakerSuite's objects that are kept, with their types; other fields are passed over.

Field names, defaults and ranges are those of its Django models `inventory` and `reorder_queue`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from makertasks.inventory.model import DEFAULT_LEAD_TIME_DAYS

Number = int | str  # a primary key; OpenMakerSuite counts, other installations may use UUIDs
Count = Annotated[int, Meta(ge=0)]
Hazard = Annotated[int, Meta(ge=0, le=4)]  # NFPA 704
Name = Annotated[str, Meta(min_length=1)]


class DumpedObject(Struct):
    """One element of a dump."""

    model: str
    pk: Number
    fields: dict[str, object]
    # Not in dumps; a live OpenMakerSuite sends them with its changes.
    deleted: datetime | None = None  # when it was deleted
    as_of: datetime | None = None  # when this state was read from the site's database, after its commit
    related: bool = False  # it goes along because others refer to it; it has not changed itself


class NamedFields(Struct):
    """`inventory.location` and `inventory.supplier`."""

    name: Name


class CategoryFields(Struct):
    """`inventory.category`."""

    name: Name
    color: str = ""


class ItemFields(Struct):
    """`inventory.inventoryitem`."""

    name: Name
    description: str | None = None
    sku: str | None = None
    image: str | None = None
    image_url: str | None = None
    qr_code: str | None = None
    category: Number | None = None
    location: Number | None = None
    reorder_quantity: Count = 0
    current_stock: Count = 0
    minimum_stock: Count = 0
    is_active: bool = True
    is_hazardous: bool = False
    msds_url: str | None = None
    nfpa_health_hazard: Hazard | None = None
    nfpa_fire_hazard: Hazard | None = None
    nfpa_instability_hazard: Hazard | None = None
    nfpa_special_hazards: str | None = None
    updated_at: datetime | None = None


class ItemSupplierFields(Struct):
    """`inventory.itemsupplier`."""

    item: UUID
    supplier: Number
    supplier_sku: str | None = None
    unit_cost: Decimal | None = None
    average_lead_time: Count = DEFAULT_LEAD_TIME_DAYS
    is_primary: bool = False
    is_active: bool = True
    updated_at: datetime | None = None


class ReorderRequestFields(Struct):
    """`reorder_queue.reorderrequest`; `supplier` is there where an installation records it."""

    item: UUID
    status: Name
    quantity: Count | None = None
    priority: str | None = None
    requested_at: datetime | None = None
    ordered_at: datetime | None = None
    actual_delivery: date | None = None
    order_number: str | None = None
    supplier: Number | None = None
    updated_at: datetime | None = None


class PurchaseOrderFields(Struct):
    """`reorder_queue.purchaseorder`; an order counts from the day it was sent, else from its date."""

    supplier: Number
    po_number: str | None = None
    order_date: datetime | None = None
    sent_at: datetime | None = None


class PurchaseOrderItemFields(Struct):
    """`reorder_queue.purchaseorderitem`; a line without `item_supplier` buys a machine or something unlisted."""

    purchase_order: Number
    item_supplier: Number | None = None


class OrderDeliveryFields(Struct):
    """`reorder_queue.orderdelivery`."""

    purchase_order: Number
    delivery_date: datetime


class DeliveryItemFields(Struct):
    """`reorder_queue.deliveryitem`."""

    delivery: Number
    purchase_order_item: Number
    quantity_received: Count | None = None


class LeadTimeLogFields(Struct):
    """`reorder_queue.leadtimelog`; its own count of days is left out, which is in business days in older versions."""

    item_supplier: Number
    purchase_order: Number | None
    order_date: datetime
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
