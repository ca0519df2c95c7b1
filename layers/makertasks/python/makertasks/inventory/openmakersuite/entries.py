"""Converts OpenMakerSuite's objects into inventory entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from makertasks.inventory.model import Entry, Item, ItemSupplier, LoggedDelivery, Reference, ReorderRequest
from makertasks.inventory.openmakersuite import fields
from makertasks.inventory.openmakersuite.parsing import Parsed
from makertasks.inventory.openmakersuite.references import References, reference_of


def entries_of(parsed: Parsed, references: References) -> list[Entry]:
    """Return an object's entries, the main one first; none if it belongs to no item. Raises Refused."""
    make = _MAKERS.get(type(parsed.fields))
    own = make(parsed, references) if make else None
    reference = reference_of(parsed)
    return [entry for entry in (own, reference) if entry is not None]


def _item(parsed: Parsed, references: References) -> Entry:
    given: fields.ItemFields = parsed.fields
    category = None if given.category is None else references.get("category", given.category)
    location = None if given.location is None else references.get("location", given.location)
    copied: dict[str, Any] = {
        name: getattr(given, name)
        for name in (
            "name",
            "reorder_quantity",
            "current_stock",
            "minimum_stock",
            "is_active",
            "is_hazardous",
            "nfpa_health_hazard",
            "nfpa_fire_hazard",
            "nfpa_instability_hazard",
        )
    }
    texts: tuple[str, ...] = ("description", "sku", "image", "image_url", "qr_code", "msds_url", "nfpa_special_hazards")
    copied.update({name: getattr(given, name) or None for name in texts})
    return Item(
        f"item#{parsed.number}",
        "item",
        **copied,
        site_image=copied["image"],
        category=None if category is None else _category(category),
        location=None if location is None else location.name,
        updated_at=parsed.raw.get("updated_at"),
    )


def _category(reference: Reference) -> dict[str, str | None]:
    return {"name": reference.name, "color": reference.color or ""}


def _item_supplier(parsed: Parsed, references: References) -> Entry:
    given: fields.ItemSupplierFields = parsed.fields
    return ItemSupplier(
        references.check_item(given.item),
        f"supplier#{parsed.number}",
        supplier_id=str(given.supplier),
        supplier_name=references.get("supplier", given.supplier).name,
        supplier_sku=given.supplier_sku or None,
        unit_cost=None if given.unit_cost is None else str(given.unit_cost),
        average_lead_time=given.average_lead_time,
        is_primary=given.is_primary,
        is_active=given.is_active,
        updated_at=parsed.raw.get("updated_at"),
    )


def _request(parsed: Parsed, references: References) -> Entry:
    given: fields.ReorderRequestFields = parsed.fields
    number = (given.order_number or "").strip() or None
    own = None if given.supplier is None else str(given.supplier)
    ordered_at = parsed.raw.get("ordered_at")
    supplier = own or references.ordered_from(str(given.item), number, ordered_at)
    source = "request" if own else "purchase_order"
    return ReorderRequest(
        references.check_item(given.item),
        f"request#{parsed.number}",
        status=given.status,
        quantity=given.quantity,
        priority=given.priority or None,
        requested_at=parsed.raw.get("requested_at"),
        ordered_at=ordered_at,
        actual_delivery=given.actual_delivery.isoformat() if given.actual_delivery else None,
        order_number=number,
        supplier_id=supplier,
        supplier_source=source if supplier else None,
        updated_at=parsed.raw.get("updated_at"),
    )


def _delivery_item(parsed: Parsed, references: References) -> Entry | None:
    given: fields.DeliveryItemFields = parsed.fields
    line = references.get("line", given.purchase_order_item)
    if line.link is None:
        return None
    order, link = references.get("order", line.order), references.get("link", line.link)
    return LoggedDelivery(
        references.check_item(link.item),
        f"part#{parsed.number}",
        actual_delivery=references.get("arrival", given.delivery).delivered,
        ordered_at=order.ordered_at,
        supplier_id=link.supplier,
        supplier_source="purchase_order",
        order_number=order.order_number,
        quantity=given.quantity_received,
    )


def _lead_time_log(parsed: Parsed, references: References) -> Entry:
    given: fields.LeadTimeLogFields = parsed.fields
    link = references.get("link", given.item_supplier)
    order = None if given.purchase_order is None else references.get("order", given.purchase_order)
    return LoggedDelivery(
        references.check_item(link.item),
        f"log#{parsed.number}",
        actual_delivery=given.actual_delivery_date.isoformat(),
        ordered_at=parsed.raw["order_date"],
        supplier_id=link.supplier,
        supplier_source="lead_time_log",
        order_number=None if order is None else order.order_number,
        quantity=given.quantity_received,
    )


_MAKERS: dict[type, Callable[[Parsed, References], Entry | None]] = {
    fields.ItemFields: _item,
    fields.ItemSupplierFields: _item_supplier,
    fields.ReorderRequestFields: _request,
    fields.DeliveryItemFields: _delivery_item,
    fields.LeadTimeLogFields: _lead_time_log,
}
