"""Imports of OpenMakerSuite's dumps into the inventory table, first and repeated ones."""

# ruff: noqa: F811 - tests name the fixtures that are imported here
from __future__ import annotations

import json
import random
from collections import Counter
from uuid import UUID

from dump_imports import bring_in, counts, one_copy_a_transaction, put, rows  # noqa: F401 - fixtures
from dump_samples import ITEM, REAL, a_makerspace, change, obj

from makertasks.aws import bucket
from makertasks.inventory import deliveries
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item, ItemSupplier, LoggedDelivery, Reference, ReorderRequest


class TestTheRealDump:
    def test_every_item_link_and_request_is_imported(self, bring_in, rows):
        report = bring_in(REAL.read_bytes())
        kinds = Counter(row["kind"] for row in rows().values())
        assert (kinds["item"], kinds["supplier"], kinds["request"]) == (40, 78, 110)
        assert counts(report) == (40 + 78 + 110 + 7 + 11 + 4, 0, 0, 0)
        assert report["not_kept"] == {"inventory.pricehistory": 78}
        assert report["objects"] == 328
        page = inventory.get_item_page("81e0bf40-c36b-44dc-97e4-25e32bceda87")
        assert page.item.name == "Arduino Uno R3"
        assert page.suppliers[0].supplier_name == "McMaster-Carr"
        assert page.suppliers[0].average_lead_time == 3

    def test_a_second_import_in_another_order_changes_nothing(self, bring_in, rows):
        objects = json.loads(REAL.read_bytes())
        random.Random(5).shuffle(objects)
        bring_in(objects)
        before = rows()
        assert counts(bring_in(REAL.read_bytes())) == (0, 0, 250, 0)
        assert rows() == before


class TestObjects:
    def test_an_object_may_refer_to_a_later_one(self, bring_in):
        assert counts(bring_in(a_makerspace()[::-1])) == (13, 0, 0, 0)
        item = inventory.get_item(ITEM)
        assert item.category.as_dict() == {"name": "Screws", "color": "#f59e0b"}
        assert (item.location, item.sku, item.description) == ("Shelf 3B", "M3", None)

    def test_orders_and_logs_are_deliveries_with_their_supplier(self, bring_in, rows):
        bring_in(a_makerspace())
        logged = {entry: row for (owner, entry), row in rows().items() if row["kind"] in {"delivery", "request"}}
        assert {entry: (row["supplier_id"], row["supplier_source"]) for entry, row in logged.items()} == {
            "part#10": ("4", "purchase_order"),
            "log#11": ("4", "lead_time_log"),
            "request#12": ("4", "purchase_order"),
        }
        assert {row["actual_delivery"] for row in logged.values()} == {"2026-10-08"}
        assert {row["delivery_week"] for row in logged.values()} == {"2026-W41"}

    def test_a_request_finds_its_order_also_by_item_and_day(self, bring_in):
        bring_in(change(a_makerspace(), "reorder_queue.reorderrequest", order_number=""))
        [request] = inventory.get_item_page(ITEM).requests
        assert (request.supplier_id, request.supplier_source) == ("4", "purchase_order")

    def test_a_partial_dump_finds_the_rest_in_the_table(self, bring_in):
        whole = a_makerspace()
        bring_in(whole[:10])
        assert counts(bring_in(whole[10:])) == (3, 0, 0, 0)

    def test_refused_objects_are_named_by_line_and_reason(self, bring_in):
        # given a dump with objects that are wrong in various ways
        wrong = [
            obj("inventory.inventoryitem", "not-a-uuid", name="x"),
            obj("inventory.inventoryitem", str(UUID(int=8)), name=""),
            obj("inventory.inventoryitem", str(UUID(int=9)), name="x", nfpa_fire_hazard=5),
            obj("inventory.itemsupplier", 77, item=str(UUID(int=10)), supplier=3),
            obj("inventory.itemsupplier", 78, item=ITEM, supplier=99),
            obj("reorder_queue.reorderrequest", 79, item=ITEM, status="received", actual_delivery="2026-02-30"),
            {"model": "inventory.category"},
            "text",
            obj("inventory.category", 1, name="Once more"),
            obj("inventory.inventoryitem", str(UUID(int=11)), name="x", description="long " * 20_000),
        ]
        # when it is imported
        lines = [json.dumps(each) for each in [*a_makerspace(), *wrong]]
        report = bring_in(("[\n" + ",\n".join(lines) + "\n]").encode())
        # then the others are imported, and each refusal has its line and reason
        assert counts(report) == (13, 0, 0, 10)
        reasons = {each["line"]: each["reason"] for each in report["refusals"]}
        assert reasons == {
            15: "pk: 'not-a-uuid' is not the UUID of an item",
            16: "name: blank; give the object a name",
            17: "nfpa_fire_hazard: expected `int` <= 4",
            18: "item 00000000-0000-0000-0000-00000000000a is neither in the dump nor in the inventory",
            19: "supplier 99 is neither in the dump nor in the inventory",
            20: "actual_delivery: invalid RFC3339 encoded date",
            21: "Object missing required field `pk`",
            22: "Expected `object`, got `str`",
            23: "object 1 of the dump has the same model and pk; only that one was imported",
            24: "its texts have 100001 characters; the limit is 90000",
        }

    def test_only_differences_are_written(self, bring_in):
        bring_in(a_makerspace())
        report = bring_in(change(a_makerspace(), "inventory.inventoryitem", current_stock=3, description="Box"))
        assert counts(report) == (0, 1, 12, 0)
        item = inventory.get_item(ITEM)
        assert (item.current_stock, item.description, item.name) == (3, "Box", "M3 <b>x")

    def test_a_renamed_category_reaches_its_items(self, bring_in):
        bring_in(a_makerspace())
        assert counts(bring_in(change(a_makerspace(), "inventory.category", name="Bolts"))) == (0, 2, 11, 0)
        assert inventory.get_item(ITEM).category["name"] == "Bolts"

    def test_an_import_keeps_results_of_tasks(self, bring_in):
        bring_in(a_makerspace())
        made = {"image": "inventory/images/M3.png", "thumbnail": "t", "qr_code": "q", "index_card": "c"}
        inventory.update_item(ITEM, **made, image_source="https://example.com/m3.png")
        deliveries.set_lead_times([(f"item#{ITEM}", "supplier#5", (11, 12, 13))])
        media = {"image": "inventory/images/old.jpg", "qr_code": ""}
        changed = change(a_makerspace(), "inventory.inventoryitem", **media)
        report = bring_in(changed)
        assert counts(report) == (0, 1, 12, 0)  # `site_image` is set, so that the clean-up keeps it
        assert inventory.get_item(ITEM).site_image == "inventory/images/old.jpg"
        assert counts(bring_in(changed)) == (0, 0, 13, 0)
        item = inventory.get_item(ITEM)
        assert {name: getattr(item, name) for name in made} == made
        links = {link.number: link.average_lead_time for link in inventory.get_item_page(ITEM).suppliers}
        assert links == {"5": 11, "6": 0}

    def test_images_are_imported_once_they_are_in_the_bucket(self, bring_in):
        whole = change(a_makerspace(), "inventory.inventoryitem", image="inventory/images/1.jpg")
        assert bring_in(whole)["media_missing"] == 1
        assert inventory.get_item(ITEM).image is None
        bucket.put("inventory/images/1.jpg", b"x", "image/jpeg")
        assert counts(bring_in(whole)) == (0, 1, 12, 0)
        assert inventory.get_item(ITEM).image == "inventory/images/1.jpg"

    def test_an_older_dump_reverts_nothing(self, bring_in):
        newer = change(a_makerspace(), "inventory.inventoryitem", current_stock=2, updated_at="2026-11-02T00:00:00Z")
        older = change(a_makerspace(), "inventory.inventoryitem", updated_at="2026-11-01T00:00:00Z")
        bring_in(newer)
        report = bring_in(older)
        assert (report["changed"], report["older"]) == (0, 1)
        assert inventory.get_item(ITEM).current_stock == 2

    def test_single_objects_are_imported_like_dumps(self, bring_in):
        bring_in(a_makerspace())
        [link] = [each for each in a_makerspace() if each["pk"] == 5]
        report = bring_in(change([link], "inventory.itemsupplier", unit_cost="9.90"))
        assert counts(report) == (0, 1, 0, 0)
        assert inventory.get_item_page(ITEM).suppliers[0].unit_cost == "9.90"


def test_entries_of_every_class_are_read_as_that_class(inventory_table):
    entries = [
        Item(f"item#{ITEM}", "item", name="M3"),
        ItemSupplier(f"item#{ITEM}", "supplier#1", supplier_id="1"),
        ReorderRequest(f"item#{ITEM}", "request#1", status="pending"),
        LoggedDelivery(f"item#{ITEM}", "log#1", actual_delivery="2026-10-08"),
        Reference("category#1", "reference", name="Screws"),
    ]
    inventory.write(entries)
    found = inventory.find([(entry.owner, entry.entry) for entry in entries])
    assert {type(entry) for entry in found.values()} == {type(entry) for entry in entries}
