"""Rows that a script or the console wrote with a wrong type: skipped and listed, without affecting others."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import boto3
import pytest
from dump_samples import ITEM, a_makerspace

from clean_media.cleaning import run as clean_media
from import_dump.handler import import_dump
from makertasks import clock, settings
from makertasks.aws import bucket
from makertasks.context import Context, running
from makertasks.errors import InvalidRequest, UnknownItem
from makertasks.inventory import site_changes
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item, ItemSupplier, ReorderRequest
from makertasks.submission import producer
from update_average_lead_times.handler import update_average_lead_times

GOOD = str(UUID(int=8))


@pytest.fixture
def spoil(inventory_table, media_bucket):
    """Put other values into one row of the table, as the console does."""

    def update(entry: str = "item", item: str = ITEM, **values) -> None:
        table = boto3.resource("dynamodb").Table(settings.inventory_table())
        for name, value in values.items():
            table.update_item(
                Key={"owner": f"item#{item}", "entry": entry},
                UpdateExpression="SET #name = :value",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":value": value},
            )

    inventory.write(
        [
            Item(f"item#{ITEM}", "item", name="Mistyped", sku="M", image="inventory/images/M.jpg"),
            Item(f"item#{GOOD}", "item", name="Right"),
            ItemSupplier(f"item#{GOOD}", "supplier#1", supplier_id="1"),
            ItemSupplier(f"item#{GOOD}", "supplier#2", supplier_id="2"),
        ]
    )
    return update


MISTYPED = [
    {"current_stock": "five"},
    {"name": Decimal(5)},
    {"is_active": "yes"},
    {"category": "Screws"},
    {"image_url": ["https://example.com/a.jpg"]},
    {"name": ""},
]


@pytest.mark.parametrize("values", MISTYPED)
def test_an_item_with_wrong_attribute_types_is_left_out_of_the_list_and_named(spoil, values):
    spoil(**values)

    page = inventory.list_items(10)

    assert [item.name for item in page.items] == ["Right"]
    assert [broken.item_id for broken in page.broken] == [ITEM]
    assert next(iter(values)) in page.broken[0].problem
    assert "correct the row, or import the object again" in page.broken[0].problem


@pytest.mark.parametrize("values", MISTYPED)
def test_reading_an_item_with_wrong_types_names_the_attribute(spoil, values):
    spoil(**values)

    for read in (inventory.get_item, inventory.get_item_page):
        with pytest.raises(inventory.Unreadable, match=f"row of item {ITEM} cannot be read: "):
            read(ITEM)
    with pytest.raises(InvalidRequest, match=r"^kwargs\.item_id: the inventory's row"):
        producer.check_item("item_id", ITEM)
    with pytest.raises(UnknownItem):
        inventory.get_item(UUID(int=99))


def test_a_link_with_wrong_attribute_types_is_left_out_of_its_item(spoil):
    spoil("supplier#1", GOOD, average_lead_time="a week")

    page = inventory.get_item_page(GOOD)

    assert [link.number for link in page.suppliers] == ["2"]
    assert [(broken.number, broken.item_id) for broken in page.broken] == [("1", GOOD)]


def test_rows_with_wrong_types_do_not_stop_lead_times(spoil):
    today = clock.now().date()
    orders = {"ordered_at": f"{today - timedelta(days=9)}T08:00:00Z", "actual_delivery": str(today - timedelta(days=2))}
    inventory.write(
        ReorderRequest(f"item#{GOOD}", f"request#{number}", status="received", supplier_id="2", **orders)
        for number in range(1, 4)
    )
    spoil("supplier#1", GOOD, average_lead_time="a week")
    spoil("request#1", GOOD, supplier_id=Decimal(2))
    spoil("request#2", GOOD, ordered_at="last week")

    result = update_average_lead_times.call({})

    assert inventory.get_item_page(GOOD).suppliers[0].average_lead_time == 7
    assert result["deliveries"] == {"in_window": 3, "counted": 1}
    assert result["deliveries_skipped"] == {"its row cannot be read": 2}
    assert result["links_skipped"] == {"its row cannot be read": 1}
    assert {each.get("link") or each["delivery"] for each in result["unreadable"]} == {
        "supplier#1",
        "request#1",
        "request#2",
    }
    reasons = "\n".join(each["reason"] for each in result["unreadable"])
    assert "supplier_id has DynamoDB's type N, not S (text)" in reasons
    assert "last week" in reasons


def test_a_link_that_cannot_be_updated_does_not_block_others(spoil):
    today = clock.now().date()
    inventory.write(
        ReorderRequest(f"item#{GOOD}", f"request#{number}", status="received", supplier_id=str(number),
                       ordered_at=f"{today - timedelta(days=12)}T08:00:00Z", actual_delivery=str(today))
        for number in (1, 2)
    )  # fmt: skip
    spoil("supplier#1", GOOD, lead_time_version="x")

    result = update_average_lead_times.call({})

    assert result["links"]["changed"] == 1
    assert result["links_skipped"] == {"deleted, inactive or no longer writable": 1}


def test_files_named_by_an_item_with_wrong_types_are_not_cleaned_up(spoil):
    bucket.put("inventory/images/M.jpg", b"x", "image/jpeg")
    bucket.put("inventory/images/orphan.jpg", b"x", "image/jpeg")
    spoil(current_stock="five")

    with running(Context("t")):
        clean_media(-1, dry_run=False)

    assert bucket.keys("inventory/") == {"inventory/images/M.jpg"}


@pytest.mark.parametrize("values", [*MISTYPED, {"kind": "itm"}, {"image_version": "x", "thumbnail": Decimal(3)}])
def test_the_next_import_repairs_a_row_and_keeps_results_of_tasks(spoil, values):
    bucket.put("imports/dump.json", json.dumps(a_makerspace()).encode(), "application/json")
    import_dump.call({"key": "imports/dump.json"})
    inventory.update_item(ITEM, index_card="index_cards/card.pdf")
    spoil(**values)

    report = import_dump.call({"key": "imports/dump.json"})

    item = inventory.get_item(ITEM)
    assert (report["refused"], report["changed"]) == (0, 1)
    assert (item.name, item.current_stock, item.category["name"]) == ("M3 <b>x", 9, "Screws")
    assert item.index_card == "index_cards/card.pdf"
    assert import_dump.call({"key": "imports/dump.json"})["changed"] == 0


@pytest.mark.parametrize("value", ["x", None, ["x"]])
def test_a_version_of_the_wrong_type_does_not_block_the_stream(value):
    row = {"owner": f"item#{ITEM}", "entry": "item", "kind": "item", "image": "a", "image_version": value}

    assert site_changes.changed({}, row) is None


@pytest.mark.parametrize("kind", ["itm", "supplier", Decimal(3), None])
def test_an_item_of_unknown_kind_is_reported_as_broken_and_stops_nothing(spoil, kind):
    spoil(kind=kind)

    page = inventory.list_items(10)

    assert [item.name for item in page.items] == ["Right"]
    assert [broken.item_id for broken in page.broken] == [ITEM]
    with pytest.raises(inventory.Unreadable, match="kind"):
        inventory.get_item(ITEM)
    with pytest.raises(inventory.Unreadable, match="kind"):
        inventory.get_item_page(ITEM)
    assert [entry.item_id for entry in inventory.every_item()] == [GOOD, ITEM]


@pytest.mark.parametrize("kind", ["suplier", Decimal(3), None])
def test_a_link_of_unknown_kind_is_reported_as_broken_and_stops_nothing(spoil, kind):
    spoil("supplier#1", GOOD, kind=kind)

    page = inventory.get_item_page(GOOD)

    assert [link.entry for link in page.suppliers] == ["supplier#2"]
    assert [broken.entry for broken in page.broken] == ["supplier#1"]
    assert "kind" in page.broken[0].problem
    assert update_average_lead_times.call({})["links_skipped"]["its row cannot be read"] == 1
