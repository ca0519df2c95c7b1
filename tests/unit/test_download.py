"""Downloads of item images: the picture is stored and its item updated."""

from __future__ import annotations

import pytest

from download_image_from_url.handler import download_image_from_url
from makertasks.aws import bucket
from makertasks.aws import session as clients
from makertasks.errors import PermanentError, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media import images, pictures
from tests.unit.downloads import ITEM, JPEG, OTHER, prepared, run, save_item, stored_keys
from tests.unit.misbehaving_server import reply
from tests.unit.picture_samples import corners, encoded, exif, opened, quarters


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_a_picture_becomes_the_items_image(server, store, kind, extension):
    url = server.serve("/drill?size=2", reply(200, encoded(kind), Content_Type="text/html"))
    server.behaviours["/drill"] = server.behaviours["/drill?size=2"]

    result = run(url)

    key = f"inventory/images/DR-1.{extension}"
    item = inventory.get_item(ITEM)
    assert (item.image, item.thumbnail, item.image_source) == (key, f"CACHE/{key}.webp", url)
    assert stored_keys() == [f"CACHE/{key}.webp", key]
    image = bucket.get(key)
    assert image.content_type == pictures.CONTENT_TYPES[kind]
    assert corners(opened(image.body)) == ["red", "green", "blue", "white"]
    assert result == {
        "image": key,
        "thumbnail": f"CACHE/{key}.webp",
        "width": 80,
        "height": 60,
        "bytes": len(image.body),
        "changed": True,
    }


def test_the_task_reads_its_allowed_hosts_from_the_environment(server, store, monkeypatch):
    url = server.serve("/drill.jpg", reply(200, JPEG))
    with pytest.raises(PermanentError, match="is not allowed"):
        download_image_from_url.call({"item_id": str(ITEM), "image_url": url})

    monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", f"127.0.0.1:{server.port}")

    assert download_image_from_url.call({"item_id": str(ITEM), "image_url": url})["changed"]


def test_a_stored_photograph_has_no_gps_position(server, store):
    url = server.serve("/phone.jpg", reply(200, encoded("JPEG", exif=exif(6))))

    run(url)

    assert b"Secret" not in bucket.get("inventory/images/DR-1.jpg").body


def test_running_twice_leaves_one_image_and_changes_nothing(server, store):
    url = server.serve("/drill.jpg", reply(200, JPEG))
    run(url)
    before = {
        key: clients.client("s3").head_object(Bucket="unit-media", Key=key)["LastModified"] for key in stored_keys()
    }

    again = run(url)

    assert again["changed"] is False
    after = {
        key: clients.client("s3").head_object(Bucket="unit-media", Key=key)["LastModified"] for key in stored_keys()
    }
    assert after == before


def test_a_picture_in_another_format_replaces_the_old_one_and_leaves_no_orphan(server, store):
    first = server.serve("/first.jpg", reply(200, JPEG))
    second = server.serve("/second.png", reply(200, encoded("PNG")))
    run(first)

    run(second)

    assert stored_keys() == ["CACHE/inventory/images/DR-1.png.webp", "inventory/images/DR-1.png"]
    assert inventory.get_item(ITEM).image_source == second


def test_an_image_under_an_old_sku_is_removed(server, store):
    url = server.serve("/drill.jpg", reply(200, JPEG))
    run(url)
    store.update(actions=[Item.sku.set("DR-2")])

    run(url)

    assert stored_keys() == ["CACHE/inventory/images/DR-2.jpg.webp", "inventory/images/DR-2.jpg"]


@pytest.mark.parametrize(
    ("sku", "key"),
    [
        ("A/B", "inventory/images/A_B!998d3ed8983acf39.jpg"),
        ("../../etc/passwd", "inventory/images/etc_passwd!"),
        ("Schraube M3 à 10", "inventory/images/Schraube_M3_10!"),
        ("螺丝", "inventory/images/!"),
        ("BOLT_M3.5-10", "inventory/images/BOLT_M3.5-10.jpg"),
        (None, f"inventory/images/{ITEM}.jpg"),
    ],
)
def test_every_sku_gives_a_safe_key(server, store, sku, key):
    save_item(sku=sku)

    result = run(server.serve("/drill.jpg", reply(200, JPEG)))

    assert result["image"].startswith(key.removesuffix(".jpg"))
    assert result["image"].count("/") == 2
    assert inventory.get_item(ITEM).image == result["image"]


def test_similar_skus_give_different_keys():
    skus = ["A/B", "A_B", "A B", "A\\B", "A//B", "a/b", "A/B ", "A!B", "A_B!998d3ed8983acf39"]

    assert len({images.key_of(sku, "jpg").lower() for sku in skus}) == len(skus)


def test_two_items_with_the_same_sku_have_two_images(server, store):
    save_item(OTHER)
    red, blue = (encoded("PNG", quarters().crop(box)) for box in ((0, 0, 40, 30), (0, 30, 40, 60)))
    run(server.serve("/red.png", reply(200, red)))

    result = run(server.serve("/blue.png", reply(200, blue)), OTHER)

    assert result["image"] == f"inventory/images/{OTHER}.png"
    assert corners(opened(bucket.get("inventory/images/DR-1.png").body)) == ["red"] * 4


@pytest.mark.parametrize("step", range(6))
def test_running_again_repairs_a_crash_at_any_step(store, monkeypatch, step):
    """The function stops before its first, second … write; a second run ends as an uninterrupted one."""
    # given an item with an image, whose URL has changed, and a function that stops before one of its writes
    first, second = "https://example.com/first.jpg", "https://example.com/second.png"
    images.attach(save_item(image_url=first), prepared(), first)
    item = save_item(image_url=second, image="inventory/images/DR-1.jpg", image_source=first)
    countdown = iter([None] * step)

    def dying(write):
        def crash_or_write(*arguments, **attributes):
            if next(countdown, "crash") == "crash":
                raise KeyboardInterrupt
            return write(*arguments, **attributes)

        return crash_or_write

    # when it attaches the new image, then the item has an image, whichever write is missing
    with monkeypatch.context() as patches:
        for module, name in ((bucket, "replace"), (inventory, "update_item"), (bucket, "delete")):
            patches.setattr(module, name, dying(getattr(module, name)))
        try:
            images.attach(item, prepared((40, 30), "PNG"), second)
        except KeyboardInterrupt:
            assert step < 5
        else:
            assert step == 5
    present = inventory.get_item(ITEM)
    assert bucket.version(present.image).etag, "the item's image exists at any moment"

    # when it runs again, then only the new image is left
    images.attach(inventory.get_item(ITEM), prepared((40, 30), "PNG"), second)
    item = inventory.get_item(ITEM)
    assert (item.image, item.image_source) == ("inventory/images/DR-1.png", second)
    assert stored_keys() == ["CACHE/inventory/images/DR-1.png.webp", "inventory/images/DR-1.png"]


def test_an_unknown_item_fails_before_anything_is_fetched(server, store):
    url = server.serve("/drill.jpg", reply(200, JPEG))

    with pytest.raises(UnknownItem, match=str(OTHER)):
        run(url, OTHER)
    assert server.requests.total() == 0
