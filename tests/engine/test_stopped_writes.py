"""A function that stops at any write leaves the old or the new state, no mixture; the next attempt completes it."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from uuid import UUID

import pypdf
import pytest
import zxingcpp
from downloads import ITEM, save_item
from dump_samples import a_makerspace
from picture_samples import encoded, opened, quarters
from PIL import Image
from stopping import WRITES, stopped

from generate_index_card.handler import generate_index_card
from generate_qr_code.handler import generate_qr_code
from import_dump.handler import import_dump
from makertasks import clock
from makertasks.aws import bucket
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item, ItemSupplier, ReorderRequest
from makertasks.media import images, pictures, qr_codes
from update_average_lead_times.handler import update_average_lead_times

OLD, NEW = "https://example.com/old.jpg", "https://example.com/new.jpg"


def picture(size):
    return pictures.prepare(encoded("JPEG", quarters(*size)))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_image_is_the_old_one_or_the_new_one_and_whole(inventory_table, media_bucket, moment):
    old, new = picture((80, 60)), picture((40, 30))
    number = 0
    while True:
        images.attach(save_item(image_url=OLD), old, OLD)
        item = save_item(image_url=NEW, image="inventory/images/DR-1.jpg", image_source=OLD)
        ended = not stopped(number, moment, lambda item=item: images.attach(item, new, NEW), calls=WRITES)
        present = inventory.get_item(ITEM)
        assert opened(bucket.get(present.image).body).size in {(80, 60), (40, 30)}
        assert present.image_source in {OLD, NEW}
        if present.image_source == NEW:
            assert opened(bucket.get(present.image).body).size == (40, 30)
            assert bucket.get(present.thumbnail).body == new.thumbnail

        images.attach(present, new, NEW)  # the next attempt
        present = inventory.get_item(ITEM)
        assert present.image_source == NEW
        assert opened(bucket.get(present.image).body).size == (40, 30)
        assert bucket.get(present.thumbnail).body == new.thumbnail
        if ended:
            break
        number += 1
    assert number >= 3  # image, thumbnail, item


OWNERS = [f"item#{UUID(int=number)}" for number in range(6)]


def fill():
    for owner in OWNERS:
        times = {"average_lead_time": 7, "lead_time_median": 7, "lead_time_p90": 7}
        inventory.write(
            [
                Item(owner, "item", name="M3 screws", current_stock=5),
                ItemSupplier(owner, "supplier#1", supplier_id="1", **times),
                delivery(owner, 3),
                delivery(owner, 4),
            ]
        )


def delivery(owner, days):
    """A request that was delivered today after this number of days."""
    today = clock.now()
    return ReorderRequest(
        owner,
        f"request#{days}",
        status="received",
        actual_delivery=today.date().isoformat(),
        ordered_at=f"{(today - timedelta(days=days)).date().isoformat()}T08:00:00Z",
        supplier_id="1",
        supplier_source="request",
    )


def lead_times():
    links = [link for owner in OWNERS for link in inventory.get_item_page(owner.removeprefix("item#")).suppliers]
    return [(link.average_lead_time, link.lead_time_median, link.lead_time_p90) for link in links]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_each_lead_time_is_either_the_old_or_the_new_one(inventory_table, media_bucket, monkeypatch, moment):
    monkeypatch.setattr(inventory, "TRANSACTION_ENTRIES", 4)
    number = 0
    while True:
        fill()
        ended = not stopped(number, moment, lambda: update_average_lead_times.call({}), calls=WRITES)
        assert set(lead_times()) <= {(7, 7, 7), (4, 4, 4)}

        update_average_lead_times.call({})  # the next attempt
        assert lead_times() == [(4, 4, 4)] * len(OWNERS)
        if ended:
            break
        number += 1
    assert number == 2  # transactions of four and of two


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_items_qr_code_exists_and_is_scannable(inventory_table, media_bucket, monkeypatch, moment):
    monkeypatch.setenv("FRONTEND_URL", "https://makerspace.example.org")
    old, new = "inventory/qrcodes/old.png", f"inventory/qrcodes/qr_{ITEM}.png"
    link = f"https://makerspace.example.org/scan/{ITEM}"
    number = 0
    while True:
        bucket.put(old, qr_codes.encode(link).png(), "image/png")
        save_item(qr_code=old)
        ended = not stopped(number, moment, lambda: generate_qr_code.call({"item_id": str(ITEM)}), calls=WRITES)
        named = inventory.get_item(ITEM).qr_code
        assert named in {old, new}
        assert scanned(named) == link

        generate_qr_code.call({"item_id": str(ITEM)})  # the next attempt
        assert inventory.get_item(ITEM).qr_code == new
        assert scanned(new) == link
        if ended:
            break
        number += 1
    assert number == 3  # PNG, item, the code before


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_items_card_exists_and_is_complete(inventory_table, media_bucket, monkeypatch, moment):
    monkeypatch.setenv("FRONTEND_URL", "https://makerspace.example.org")
    number = 0
    while True:
        save_item()
        ended = not stopped(number, moment, lambda: generate_index_card.call({"item_id": str(ITEM)}), calls=WRITES)
        named = inventory.get_item(ITEM).index_card
        assert named is None or len(pages(named)) == 1

        generate_index_card.call({"item_id": str(ITEM)})  # the next attempt
        assert len(pages(inventory.get_item(ITEM).index_card)) == 1
        if ended:
            break
        number += 1
    assert number == 2  # PDF, item


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_repeated_import_has_the_same_outcome_as_an_uninterrupted_one(inventory_table, media_bucket, moment):
    def bring_in():
        bucket.put("imports/dump.json", json.dumps(a_makerspace()).encode(), "application/json")
        import_dump.call({"key": "imports/dump.json"})

    bring_in()
    whole = entries()
    number = 0
    while True:
        for entry in inventory.Entry.scan():
            entry.delete()
        ended = not stopped(number, moment, bring_in, calls=WRITES)
        assert {key: entry for key, entry in entries().items() if entry != whole.get(key)} == {}

        bring_in()  # the next attempt
        assert entries() == whole
        if ended:
            break
        number += 1
    assert number > 1


def scanned(key):
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(bucket.get(key).body)))
    return found.text


def pages(key):
    return pypdf.PdfReader(io.BytesIO(bucket.get(key).body)).pages


def entries():
    return {(entry.owner, entry.entry): entry.serialize() for entry in inventory.Entry.scan()}
