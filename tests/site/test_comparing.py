"""`makertasks_sync --all`: finds and repairs differences that signals and queues missed, in both directions."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import pytest
import stack_side
from django.core.management import CommandError, call_command
from django.db import transaction
from inventory.models import Category, InventoryItem, ItemSupplier, Supplier

from makertasks import clock
from makertasks.aws import bucket
from makertasks.contrib.django import comparing
from makertasks.errors import UnknownItem
from makertasks.inventory import deliveries
from makertasks.inventory import table as inventory


@pytest.fixture
def imports(inventory_table, media_bucket):
    return stack_side.Imports()


@pytest.fixture
def item(imports):
    """An item with a supplier link, in the site and in the stack."""
    with transaction.atomic():
        item = InventoryItem.objects.create(
            name="Drill", sku="D-1", current_stock=5, category=Category.objects.create(name="Tools")
        )
        ItemSupplier.objects.create(item=item, supplier=Supplier.objects.create(name="S"))
    imports.run()
    return item


def sync(**options) -> list[str]:
    said = io.StringIO()
    call_command("makertasks_sync", "--all", stdout=said, **options)
    return said.getvalue().splitlines()


def test_without_differences_nothing_is_sent(item, imports):
    assert sync() == ["stack: 4 unchanged", "site: nothing missing"]
    assert imports.new() == []


def test_changes_without_signals_are_found(item, imports):
    InventoryItem.objects.update(current_stock=1)
    Category.objects.update(name="Hand tools")
    InventoryItem.objects.bulk_create([InventoryItem(name="Bulk")])
    assert sync(dry_run=True)[0] == "stack: 2 changed, 1 created, 2 unchanged (nothing was changed)"
    assert imports.new() == []
    assert sync()[0] == "stack: 2 changed, 1 created, 2 unchanged"
    imports.run()
    found = stack_side.item(item.pk)
    assert (found.current_stock, found.category["name"]) == (1, "Hand tools")
    assert sync()[0] == "stack: 5 unchanged"


def test_objects_deleted_on_the_site_are_deleted_from_the_stack(item, imports):
    pk = item.pk
    ItemSupplier.objects.all()._raw_delete("default")
    InventoryItem.objects.all()._raw_delete("default")
    assert sync()[0] == "stack: 2 deleted, 2 unchanged"
    [report] = imports.run()
    assert (report["deleted"], report["refused"]) == (2, 0)
    with pytest.raises(UnknownItem):
        stack_side.item(pk)
    assert sync()[0] == "stack: 2 unchanged"


def test_syncing_an_empty_database_requires_force(item, monkeypatch):
    monkeypatch.setattr(comparing, "FEW_DELETIONS", 1)
    ItemSupplier.objects.all()._raw_delete("default")
    InventoryItem.objects.all()._raw_delete("default")
    with pytest.raises(CommandError, match="is this the right database"):
        sync()
    assert sync(force=True)[0] == "stack: 2 deleted, 2 unchanged"


def test_changes_that_the_site_missed_are_delivered(item, imports, settings_of_site):
    # given changes whose messages are lost
    key = "inventory/images/D-1.png"
    bucket.put(key, b"not a picture, which only imagekit minds", "image/png")
    inventory.update_item(item.pk, image=key, image_digest="d")
    link = ItemSupplier.objects.get()
    deliveries.set_lead_times([(f"item#{item.pk}", f"supplier#{link.pk}", (3, 4, 5))])
    assert sync(dry_run=True)[1] == "site: 2 missing (nothing was changed)"

    # then a comparison delivers both, once
    assert sync()[1] == "site: 2 applied"
    assert (InventoryItem.objects.get().image, ItemSupplier.objects.get().average_lead_time) == (key, 3)
    assert sync()[1] == "site: nothing missing"

    # and a file that is lost later is restored
    (Path(settings_of_site.MEDIA_ROOT) / key).unlink()
    assert sync()[1] == "site: 1 applied"
    assert (Path(settings_of_site.MEDIA_ROOT) / key).exists()


def with_image(item, number: int = 1) -> str:
    """An image that a task made."""
    key = f"inventory/images/D-{number}.png"
    bucket.put(key, b"not a picture, which only imagekit minds", "image/png")
    inventory.update_item(item.pk, image=key, image_digest="d", thumbnail=f"CACHE/{number}.webp", qr_code_digest="q")
    return key


@pytest.mark.parametrize("signals", [True, False], ids=["saved in Django admin", "by QuerySet.update()"])
def test_an_image_removed_on_the_site_is_removed_from_the_stack_for_good(item, imports, signals):
    # given an image that site and stack have
    key = with_image(item)
    sync()
    assert InventoryItem.objects.get().image == key

    # when somebody removes it
    if signals:
        there = InventoryItem.objects.get()
        there.image = ""
        there.save()
    else:
        InventoryItem.objects.update(image="")
        assert sync() == ["stack: 1 changed, 3 unchanged", "site: nothing missing"]
    imports.run()

    # then the stack has none either, and no nightly comparison restores it
    found = stack_side.item(item.pk)
    assert (found.image, found.thumbnail, found.image_digest) == (None, None, None)
    assert sync() == ["stack: 4 unchanged", "site: nothing missing"]
    assert not InventoryItem.objects.get().image

    # and an image that is made later reaches the site
    key = with_image(item, 2)
    assert sync()[1] == "site: 1 applied"
    assert InventoryItem.objects.get().image == key


def test_a_qr_code_that_was_removed_on_the_site_stays_removed(item, imports):
    key = f"inventory/qrcodes/qr_{item.pk}.png"
    bucket.put(key, b"x", "image/png")
    inventory.update_item(item.pk, qr_code=key, qr_code_digest="d")
    sync()
    InventoryItem.objects.update(qr_code="")
    sync()
    imports.run()
    assert stack_side.item(item.pk).qr_code is None
    assert sync()[1] == "site: nothing missing"


def test_an_image_not_yet_received_by_the_site_survives_an_empty_field(item, imports):
    # given a removed image, and a newer one that the site has not seen
    with_image(item)
    sync()
    there = InventoryItem.objects.get()
    there.image = ""
    there.save()
    newer = with_image(item, 2)

    # when the removal arrives late, twice
    [removal] = imports.new()
    imports.run(removal)
    imports.run(removal)

    # then the newer image stays, and reaches the site
    assert stack_side.item(item.pk).image == newer
    assert sync()[1] == "site: 1 applied"
    assert InventoryItem.objects.get().image == newer


def test_a_download_requested_before_a_removal_does_not_restore_the_image(item, imports):
    with_image(item)
    sync()
    before = clock.text(clock.now())
    there = InventoryItem.objects.get()
    there.image = ""
    there.save()
    imports.run()
    assert stack_side.item(item.pk).image_wanted > before


def test_a_plain_dump_removes_no_image(item, imports, tmp_path):
    key = with_image(item)
    file = tmp_path / "dump.json"
    call_command("dumpdata", "inventory", "reorder_queue", output=str(file), verbosity=0)
    bucket.put("imports/dump.json", file.read_bytes(), "application/json")
    imports.run("imports/dump.json")
    assert stack_side.item(item.pk).image == key


def test_later_changes_on_the_site_are_kept(item, imports):
    bucket.put("inventory/images/D-1.png", b"x", "image/png")
    inventory.update_item(item.pk, image="inventory/images/D-1.png", image_digest="d")
    sync()
    InventoryItem.objects.update(image="inventory/images/own.png")
    assert sync()[1] == "site: nothing missing"
    assert InventoryItem.objects.get().image == "inventory/images/own.png"


def test_an_object_that_cannot_be_sent_is_named_and_not_deleted(item, imports):
    InventoryItem.objects.update(name="")
    said = sync()
    assert said[0] == "stack: 1 refused, 3 unchanged" or said[0].startswith("stack: 2 refused"), said
    assert any(line.startswith(f"refused: inventory.inventoryitem {item.pk}: name") for line in said)
    assert imports.new() == []
    assert stack_side.item(item.pk).name == "Drill"


def test_an_object_missing_from_the_bucket_is_reported(item):
    inventory.update_item(item.pk, qr_code=f"inventory/qrcodes/qr_{uuid.uuid4()}.png", qr_code_digest="d")
    assert sync()[1] == "site: 1 superseded"
