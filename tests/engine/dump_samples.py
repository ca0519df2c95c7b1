"""Small dumps of OpenMakerSuite, as `manage.py dumpdata` writes them."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

ITEM = str(UUID(int=7))


def obj(model: str, pk, **fields) -> dict:
    return {"model": model, "pk": pk, "fields": fields}


def a_makerspace() -> list[dict]:
    """An item with two suppliers, a received purchase order, and a request."""
    return [
        obj("inventory.category", 1, name="Screws", color="#f59e0b"),
        obj("inventory.location", 2, name="Shelf 3B"),
        obj("inventory.supplier", 3, name="Digi-Key"),
        obj("inventory.supplier", 4, name="McMaster-Carr"),
        obj("inventory.inventoryitem", ITEM, name="M3 <b>x", sku="M3", category=1, location=2, current_stock=9),
        obj("inventory.itemsupplier", 5, item=ITEM, supplier=3, unit_cost="1.25", is_primary=True),
        obj("inventory.itemsupplier", 6, item=ITEM, supplier=4, average_lead_time=0),
        obj("reorder_queue.purchaseorder", 7, po_number="PO-1", supplier=4, order_date="2026-10-01T08:00:00Z",
            sent_at="2026-10-02T08:00:00Z"),
        obj("reorder_queue.purchaseorderitem", 8, purchase_order=7, item_supplier=6),
        obj("reorder_queue.orderdelivery", 9, purchase_order=7, delivery_date="2026-10-08T15:00:00Z"),
        obj("reorder_queue.deliveryitem", 10, delivery=9, purchase_order_item=8, quantity_received=100),
        obj("reorder_queue.leadtimelog", 11, item_supplier=6, purchase_order=7, order_date="2026-10-02T08:00:00Z",
            expected_delivery_date="2026-10-09", actual_delivery_date="2026-10-08", actual_lead_time_days=5),
        obj("reorder_queue.reorderrequest", 12, item=ITEM, status="received", order_number="PO-1",
            ordered_at="2026-10-02T08:00:00Z", actual_delivery="2026-10-08"),
    ]  # fmt: skip


def change(objects: list[dict], model: str, **fields) -> list[dict]:
    """The same objects, with changed fields in the objects of one model."""
    return [{**each, "fields": {**each["fields"], **(fields if each["model"] == model else {})}} for each in objects]


REAL = Path(__file__).parent.parent / "data" / "openmakersuite-dump.json"
