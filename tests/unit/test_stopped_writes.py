"""A function that stops at any of its writes leaves old or new, never a mixture; the next attempt ends in new."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from downloads import ITEM, save_item
from picture_samples import encoded, opened, quarters

from makertasks import aws, bucket, clock, images, inventory, pictures
from makertasks.inventory import Item, ItemSupplier, ReorderRequest
from update_average_lead_times.handler import update_average_lead_times

WRITES = ("PutItem", "UpdateItem", "TransactWriteItems", "PutObject", "DeleteObject", "CopyObject")
OLD, NEW = "https://example.com/old.jpg", "https://example.com/new.jpg"


class Stopped(BaseException):
    """The process ends here."""


@contextmanager
def stopping_at(number, moment):
    """End at the n-th write that leaves this process: "before" it, or "after" it was carried out."""
    inventory.connect()
    models = (inventory.Entry, Item, ItemSupplier)
    tables = {
        id(model._get_connection().connection.client): model._get_connection().connection.client for model in models
    }
    clients = [aws.client("s3"), *tables.values()]
    event = {"before": "before-call", "after": "after-call"}[moment]
    seen = iter(range(1000))

    def stop(**_):
        if next(seen) == number:
            raise Stopped

    names = [f"{event}.{service}.{write}" for service in ("s3", "dynamodb") for write in WRITES]
    for client in clients:
        for name in names:
            client.meta.events.register(name, stop)
    try:
        yield
    finally:
        for client in clients:
            for name in names:
                client.meta.events.unregister(name, stop)


def stopped(number, moment, work):
    """Whether the work was stopped before its end."""
    try:
        with stopping_at(number, moment):
            work()
    except Stopped:
        return True
    return False


def picture(size):
    return pictures.prepare(encoded("JPEG", quarters(*size)))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_image_is_the_old_one_or_the_new_one_and_whole(inventory_table, media_bucket, moment):
    old, new = picture((80, 60)), picture((40, 30))
    number = 0
    while True:
        images.attach(save_item(image_url=OLD), old, OLD)
        item = save_item(image_url=NEW, image="inventory/images/DR-1.jpg", image_source=OLD)
        ended = not stopped(number, moment, lambda item=item: images.attach(item, new, NEW))
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
    """A request that took so many days and came today."""
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
def test_each_lead_time_is_the_old_one_or_the_new_one(inventory_table, media_bucket, monkeypatch, moment):
    monkeypatch.setattr(inventory, "TRANSACTION_ENTRIES", 4)
    number = 0
    while True:
        fill()
        ended = not stopped(number, moment, lambda: update_average_lead_times.call({}))
        assert set(lead_times()) <= {(7, 7, 7), (4, 4, 4)}

        update_average_lead_times.call({})  # the next attempt
        assert lead_times() == [(4, 4, 4)] * len(OWNERS)
        if ended:
            break
        number += 1
    assert number == 2  # transactions of four and of two
