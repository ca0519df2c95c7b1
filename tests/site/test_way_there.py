"""Saved objects reach the inventory table with their database values, whatever was in memory and in any order."""

from __future__ import annotations

import pytest
import stack_side
from django.db import connections, transaction
from django.db.models import F
from inventory.models import Category, InventoryItem, ItemSupplier, Location, Supplier

from makertasks.errors import UnknownItem


@pytest.fixture
def imports(inventory_table, media_bucket):
    return stack_side.Imports()


def test_saved_objects_are_imported(imports):
    with transaction.atomic():
        category = Category.objects.create(name="Tools", color="#2563eb")
        item = InventoryItem.objects.create(name="Drill", category=category, current_stock=3)
        ItemSupplier.objects.create(item=item, supplier=Supplier.objects.create(name="McMaster-Carr"), unit_cost="1.50")
        assert imports.new() == []
    assert len(imports.new()) == 1  # one file for one transaction
    [report] = imports.run()
    assert (report["created"], report["refused"]) == (4, 0)
    assert stack_side.item(item.pk).category["name"] == "Tools"
    assert [link.unit_cost for link in stack_side.links(item.pk)] == ["1.50"]


def test_rolled_back_changes_are_not_sent(imports):
    # given an item that is in the stack
    kept = InventoryItem.objects.create(name="Kept")
    pk = kept.pk
    imports.run()
    # when one transaction is rolled back, and part of another
    with transaction.atomic():
        InventoryItem.objects.create(name="Dropped")
        transaction.set_rollback(True)
    with transaction.atomic():
        kept.name = "Kept, still"
        kept.save()
        try:
            with transaction.atomic():
                InventoryItem.objects.create(name="Dropped, too")
                kept.delete()
                raise RuntimeError
        except RuntimeError:
            pass
    # then only the change that was committed is sent
    [report] = imports.run()
    assert (report["changed"], report["created"], report["deleted"]) == (1, 0, 0)
    assert stack_side.item(pk).name == "Kept, still"


def test_a_stale_related_object_changes_nothing(imports):
    # given an item whose category another process has renamed
    category = Category.objects.create(name="Old")
    item = InventoryItem.objects.create(name="Drill", category=category, minimum_stock=1)
    link = ItemSupplier.objects.create(item=item, supplier=Supplier.objects.create(name="S"))
    for fresh in (Category.objects.get(), InventoryItem.objects.get()):
        if isinstance(fresh, Category):
            fresh.name = "New"
        else:
            fresh.minimum_stock = 9
        fresh.save()
    imports.run()

    # when item and link are saved with the old ones in memory
    item.save(update_fields=["name"])
    link.save()

    # then the table has what the database has
    imports.run()
    found = stack_side.item(item.pk)
    assert (found.category["name"], found.minimum_stock) == ("New", 9)


def test_partial_saves_that_arrive_in_reverse_leave_the_newer_value(imports):
    item = InventoryItem.objects.create(name="Drill")
    imports.run()
    for stock in (5, 6):
        item.current_stock = stock
        item.save(update_fields=["current_stock"])  # `updated_at` stays as it was
    older, newer = imports.new()
    imports.run(newer, older, older)
    assert stack_side.item(item.pk).current_stock == 6


def test_a_restored_value_is_not_overwritten_by_the_one_in_between(imports):
    item = InventoryItem.objects.create(name="Drill", current_stock=1)
    imports.run()
    for stock in (2, 1):
        item.current_stock = stock
        item.save(update_fields=["current_stock"])
    between, last = imports.new()
    imports.run(last, between)
    assert stack_side.item(item.pk).current_stock == 1


def test_an_f_expression_is_sent_as_the_resulting_number(imports):
    item = InventoryItem.objects.create(name="Drill", current_stock=5)
    item.current_stock = F("current_stock") - 2
    item.save()
    assert all(report["refused"] == 0 for report in imports.run())
    assert stack_side.item(item.pk).current_stock == 3


def test_a_renamed_category_location_or_supplier_reaches_the_copies(imports):
    # given two items that name them
    category, location = Category.objects.create(name="Screws", color="#000000"), Location.objects.create(name="A1")
    supplier = Supplier.objects.create(name="Bolts Inc.")
    items = [InventoryItem.objects.create(name=name, category=category, location=location) for name in ("M3", "M4")]
    for item in items:
        ItemSupplier.objects.create(item=item, supplier=supplier)
    imports.run()

    # when each is renamed
    for named in (category, location, supplier):
        named.name += " (new)"
        named.save()
    category.color = "#ffffff"
    category.save()

    # then cards have the new names
    imports.run()
    for item in items:
        found = stack_side.item(item.pk)
        assert found.category.as_dict() == {"name": "Screws (new)", "color": "#ffffff"}
        assert found.location == "A1 (new)"
        assert [link.supplier_name for link in stack_side.links(item.pk)] == ["Bolts Inc. (new)"]


def test_a_rename_that_arrives_before_its_item_is_kept(imports):
    category = Category.objects.create(name="Old")
    imports.run()
    item = InventoryItem.objects.create(name="Drill", category=category)
    [created] = imports.new()
    category.name = "New"
    category.save()
    renamed = [key for key in imports.new() if key != created]
    imports.run(*renamed, created)
    assert stack_side.item(item.pk).category["name"] == "New"


def test_deletions_cascade_in_any_order(imports):
    item = InventoryItem.objects.create(name="Vice", category=Category.objects.create(name="Tools"))
    ItemSupplier.objects.create(item=item, supplier=Supplier.objects.create(name="S"))
    created, pk = imports.new(), item.pk
    item.delete()
    deletions = [key for key in imports.new() if key not in created]
    assert all(report["refused"] == 0 for report in imports.run(*created, *deletions, *created))
    with pytest.raises(UnknownItem):
        stack_side.item(pk)


def test_an_unpaired_surrogate_is_replaced_and_blocks_no_change(imports, monkeypatch):
    """SQLite rejects it and PostgreSQL never returns it; one that a driver lets through must not block others."""
    item = InventoryItem.objects.create(name="Drill")
    monkeypatch.setattr("makertasks.contrib.django.changes._read", lambda *_: InventoryItem(pk=item.pk, name="a\ud83d"))
    item.save()
    assert [report["refused"] for report in imports.run()] == [0, 0]
    assert stack_side.item(item.pk).name == "a?"


def test_nothing_is_pending_after_a_commit(imports):
    InventoryItem.objects.create(name="Drill")
    pending = connections["default"].__dict__["makertasks_pending"]
    assert (pending.saved, pending.deleted) == ({}, {})


def test_a_site_can_save_while_the_stack_is_unreachable(inventory_table, caplog):
    """The bucket does not exist."""
    item = InventoryItem.objects.create(name="Drill")
    assert InventoryItem.objects.get() == item
    assert "did not store imports/changes/" in caplog.text
