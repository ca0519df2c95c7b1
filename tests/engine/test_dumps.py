"""Imports of OpenMakerSuite's dumps into the inventory table, first and repeated ones."""

from __future__ import annotations

import copy
import json
import random
import time
from collections import Counter
from types import SimpleNamespace
from uuid import UUID

import boto3
import pytest
from dump_samples import ITEM, REAL, a_makerspace, change, obj
from moto.dynamodb import models as moto_models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from import_dump.handler import import_dump
from makertasks import settings
from makertasks.aws import bucket
from makertasks.context import Context, Continue, running
from makertasks.errors import PermanentError, UnknownItem
from makertasks.inventory import deliveries
from makertasks.inventory import table as inventory
from makertasks.inventory.openmakersuite import dumps
from makertasks.inventory.table import Item, ItemSupplier, LoggedDelivery, Reference, ReorderRequest

KEY = "imports/dump.json"


@pytest.fixture(autouse=True)
def _one_copy_a_transaction(monkeypatch):
    """moto copies the whole table once for each entry of a transaction, in case it fails; one copy is enough."""
    transact = DynamoDBBackend.transact_write_items

    def transact_with_one_copy(backend, transact_items):
        copied: dict[int, object] = {}

        def deepcopy(value):
            if not isinstance(value, Table):
                return copy.deepcopy(value)
            if id(value) not in copied:
                copied[id(value)] = copy.deepcopy(value)
            return copied[id(value)]

        with monkeypatch.context() as patch:
            patch.setattr(moto_models, "copy", SimpleNamespace(deepcopy=deepcopy))
            transact(backend, transact_items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", transact_with_one_copy)


@pytest.fixture
def put(inventory_table, media_bucket):
    """Put a dump under imports/."""

    def upload(content: list | bytes) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content, indent=1).encode()
        bucket.put(KEY, body, "application/json")

    return upload


@pytest.fixture
def bring_in(put):
    """Put a dump under imports/ and run its task."""

    def run(content: list | bytes) -> dict:
        put(content)
        return import_dump.call({"key": KEY})

    return run


@pytest.fixture
def rows(inventory_table):
    """Return everything in the table, by key."""

    def scan() -> dict[tuple[str, str], dict]:
        table = boto3.resource("dynamodb").Table(settings.inventory_table())
        return {(row["owner"], row["entry"]): row for row in table.scan()["Items"]}

    return scan


def run_with_pauses() -> tuple[list[int], dict]:
    """Run the task with so little time that it pauses after each chunk; return where it paused, and its result."""
    pauses: list[int] = []
    state: dict = {}
    while True:
        try:
            with running(Context("t", deadline=time.monotonic() + 1, state=state)):
                return pauses, import_dump.call({"key": KEY})
        except Continue as pause:
            state = json.loads(json.dumps(pause.state))
            pauses.append(state["objects"])


def counts(report: dict) -> tuple[int, int, int, int]:
    return report["created"], report["changed"], report["unchanged"], report["refused"]


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
        lines = [json.dumps(each) for each in [*a_makerspace(), *wrong]]
        report = bring_in(("[\n" + ",\n".join(lines) + "\n]").encode())
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


class TestDeletions:
    def test_a_deletion_removes_an_object_and_older_states_do_not_restore_it(self, bring_in, rows):
        whole = change(a_makerspace(), "inventory.inventoryitem", updated_at="2026-11-01T00:00:00Z")
        bring_in(whole)
        gone = [deleted(whole, pk, "2026-11-02T00:00:00Z") for pk in (5, ITEM)]
        assert [bring_in(each)["deleted"] for each in gone] == [1, 1]
        kinds = set(rows())
        assert not kinds & {(f"item#{ITEM}", "item"), (f"item#{ITEM}", "supplier#5"), ("link#5", "reference")}
        assert (f"item#{ITEM}", "supplier#6") in kinds
        again = bring_in(whole)
        assert (again["created"], again["older"]) == (0, 2)
        assert [bring_in(each)["deleted"] for each in gone] == [0, 0]

    def test_a_deletion_that_arrives_before_its_object_keeps_it_out(self, bring_in):
        whole = change(a_makerspace(), "inventory.inventoryitem", updated_at="2026-11-01T00:00:00Z")
        bring_in(deleted(whole, ITEM, "2026-11-02T00:00:00Z"))
        assert bring_in(whole)["older"] == 1
        with pytest.raises(UnknownItem):
            inventory.get_item(ITEM)

    def test_an_object_recreated_since_its_deletion_is_kept(self, bring_in):
        whole = change(a_makerspace(), "inventory.inventoryitem", updated_at="2026-11-03T00:00:00Z")
        bring_in(whole)
        assert bring_in(deleted(whole, ITEM, "2026-11-02T00:00:00Z"))["older"] == 1
        assert inventory.get_item(ITEM).sku == "M3"

    def test_many_deletions_fit_into_dynamodbs_transactions(self, bring_in):
        suppliers = [obj("inventory.supplier", number, name=f"No. {number}") for number in range(120)]
        bring_in(suppliers)
        gone = [{**each, "deleted": "2026-11-02T00:00:00Z"} for each in suppliers]
        assert bring_in(gone)["deleted"] == 120

    def test_an_invalid_time_of_deletion_is_refused(self, bring_in):
        assert bring_in(deleted(a_makerspace(), 3, "yesterday"))["refused"] == 1


def deleted(objects: list[dict], pk, moment: str) -> list[dict]:
    """The object of that key as a live OpenMakerSuite says that it was deleted, with what it names before it."""
    [one] = [each for each in objects if each["pk"] == pk]
    named = [each for each in objects if each["pk"] in {1, 2, 3, ITEM}] if pk == 5 else objects[:2]
    return [*named, {**one, "deleted": moment}]


class TestTheTask:
    def test_an_import_continues_where_its_time_ran_out(self, put, rows):
        put(json.loads(REAL.read_bytes())[:160])
        pauses, report = run_with_pauses()
        assert pauses == [50, 100]
        assert counts(report) == (140, 0, 0, 0)
        assert len(rows()) == 140 + report["by_model"]["inventory.itemsupplier"]["created"]

    def test_a_replaced_dump_is_left_to_its_own_task(self, put):
        put([])
        with pytest.raises(PermanentError, match=r"imports/dump\.json: has been replaced"):
            import_dump.call({"key": KEY, "etag": "0123"})

    @pytest.mark.usefixtures("inventory_table", "media_bucket")
    def test_a_missing_file_is_reported(self):
        with pytest.raises(PermanentError, match="no longer in the bucket"):
            import_dump.call({"key": "imports/gone.json"})

    @pytest.mark.parametrize("length", [0, 1, 5_000, 172_000])
    def test_a_truncated_dump_changes_nothing(self, bring_in, rows, length):
        with pytest.raises(dumps.BrokenDump, match=r"^line \d+, column \d+: .*; nothing was imported$"):
            bring_in(REAL.read_bytes()[:length])
        assert rows() == {}


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
