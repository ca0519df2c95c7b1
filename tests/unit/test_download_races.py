"""Concurrent downloads and uploads: the newest request wins, and no orphaned object remains."""

from __future__ import annotations

import pytest

from makertasks.aws import bucket
from makertasks.context import Context, running
from makertasks.errors import UnknownItem
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media import images
from tests.unit.downloads import ITEM, JPEG, prepared, run, save_item, stop, stored_keys
from tests.unit.misbehaving_server import reply
from tests.unit.picture_samples import encoded, opened, quarters


def test_a_download_keeps_a_stock_count_written_meanwhile(server, store):
    def count_stock(connection, head):
        Item(f"item#{ITEM}", "item").update(actions=[Item.current_stock.set(99)])
        reply(200, JPEG)(connection, head)

    run(server.serve("/drill.jpg", count_stock))

    assert inventory.get_item(ITEM).current_stock == 99


def test_an_outdated_url_is_not_fetched(server, store):
    save_item(image_url=server.url("/new.jpg"), image="inventory/images/kept.jpg")

    result = run(server.serve("/old.jpg", reply(200, JPEG)))

    assert result == {
        "image": "inventory/images/kept.jpg",
        "thumbnail": None,
        "changed": False,
        "reason": "the item's image_url has changed; the download from the new one applies",
    }
    assert server.requests["/old.jpg"] == 0


def test_override_fetches_another_url_and_keeps_the_items_own(server, store):
    own = server.url("/broken.jpg")
    save_item(image_url=own)
    other = server.serve("/mended.jpg", reply(200, JPEG))

    result = run(other, override=True)

    item = inventory.get_item(ITEM)
    assert (result["changed"], item.image) == (True, result["image"])
    # As an upload: the picture is recorded for the item's image URL, which an import does not download again.
    assert (item.image_url, item.image_source) == (own, own)


def test_a_late_download_of_an_outdated_url_overwrites_nothing(server, store):
    """While the old picture is downloading, the URL changes and the new picture is stored under the same key."""
    new = server.serve("/new.jpg", reply(200, encoded("JPEG", quarters(40, 30))))

    def change_address_first(connection, head):
        Item(f"item#{ITEM}", "item").update(actions=[Item.image_url.set(new)])
        run(new)
        reply(200, JPEG)(connection, head)

    old = server.serve("/old.jpg", change_address_first)
    save_item(image_url=old)

    late = run(old)

    assert late["changed"] is False
    assert "image_url has changed" in late["reason"]
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)
    assert inventory.get_item(ITEM).image_source == new
    assert len(stored_keys()) == 2


@pytest.mark.parametrize("moment", ["version", "replace"])
def test_a_newer_image_is_not_overwritten_at_any_step(store, monkeypatch, moment):
    """The newer download runs completely between two steps of the older one."""
    old, new = "https://example.com/old.jpg", "https://example.com/new.jpg"
    item = save_item(image_url=old)
    step = getattr(bucket, moment)

    def with_the_newer_download_before(*arguments):
        monkeypatch.setattr(bucket, moment, step)
        item_now = save_item(image_url=new)
        images.attach(item_now, prepared((40, 30)), new)
        return step(*arguments)

    monkeypatch.setattr(bucket, moment, with_the_newer_download_before)

    result = images.attach(item, prepared(), old)

    assert result["changed"] is False
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)
    assert inventory.get_item(ITEM).image_source == new


def test_an_image_url_changed_before_the_last_write_leaves_no_orphan(store, monkeypatch):
    item = save_item(image_url="https://example.com/old.png")
    write = inventory.update_item

    def after_another_change(*arguments, **attributes):
        Item(f"item#{ITEM}", "item").update(actions=[Item.image_url.set("https://example.com/new.png")])
        return write(*arguments, **attributes)

    monkeypatch.setattr(inventory, "update_item", after_another_change)

    assert images.attach(item, prepared(kind="PNG"), "https://example.com/old.png")["changed"] is False
    assert stored_keys() == []


def test_an_item_deleted_during_the_download_leaves_no_orphan(server, store):
    def delete_item(connection, head):
        Item(f"item#{ITEM}", "item").delete()
        reply(200, JPEG)(connection, head)

    with pytest.raises(UnknownItem):
        run(server.serve("/drill.jpg", delete_item))

    assert stored_keys() == []


def test_an_upload_is_kept_until_the_image_url_changes(store):
    item = save_item(image_url="https://ann:secret@example.com/drill.jpg")

    images.attach(item, prepared(), None)

    assert inventory.get_item(ITEM).image_source == "https://example.com/drill.jpg"


MORNING, NOON = "2026-11-25T08:00:00.000000Z", "2026-11-25T12:00:00.000000Z"


def requested_at(moment, task_id="t"):
    return running(Context(task_id, requested=moment))


def test_an_upload_during_an_older_download_is_kept(server, store):
    def upload_first(connection, head):
        with requested_at(NOON):
            images.attach(inventory.get_item(ITEM), prepared((40, 30)), None)
        reply(200, JPEG)(connection, head)

    url = server.serve("/drill.jpg", upload_first)
    save_item(image_url=url)

    with requested_at(MORNING):
        late = run(url)

    assert (late["changed"], late["reason"]) == (False, images.OVERTAKEN)
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)


@pytest.mark.parametrize("source", ["https://example.com/drill.jpg", None])
@pytest.mark.parametrize("newest", ["https://example.com/drill.jpg", None])
def test_the_newest_request_wins_in_any_order(store, source, newest):
    """`None` is an upload. The one requested at noon is attached first; the morning's arrives last."""
    item = save_item(image_url="https://example.com/drill.jpg")
    with requested_at(NOON):
        images.attach(item, prepared((40, 30)), newest)

    with requested_at(MORNING):
        late = images.attach(inventory.get_item(ITEM), prepared(), source)

    assert (late["changed"], late["reason"]) == (False, images.OVERTAKEN)
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)


@pytest.mark.parametrize("source", ["https://example.com/drill.jpg", None])
def test_a_repeated_request_stores_the_image_again(store, source):
    item = save_item(image_url="https://example.com/drill.jpg")
    with requested_at(MORNING):
        images.attach(item, prepared((40, 30)), None)

    with requested_at(NOON):
        assert images.attach(inventory.get_item(ITEM), prepared(), source)["changed"] is True

    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (80, 60)


def test_an_older_request_does_not_overwrite_objects_of_a_newer_one_in_progress(store):
    """The newer one has written its objects, but not the item yet."""
    item = save_item(image_url="https://example.com/drill.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inventory, "update_item", stop)
        with requested_at(NOON), pytest.raises(ConnectionError):
            images.attach(item, prepared((40, 30)), None)

    with requested_at(MORNING):
        assert images.attach(item, prepared(), item.image_url)["reason"] == images.OVERTAKEN

    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)
