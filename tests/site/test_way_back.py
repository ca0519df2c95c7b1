"""Changes made by tasks reach the site's database and media: once, in order, and despite concurrent changes."""

from __future__ import annotations

import io
import json
import random

import pytest
import stack_side
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from inventory.models import InventoryItem, ItemSupplier, Supplier
from PIL import Image

from makertasks.aws import bucket, queues
from makertasks.contrib.django import applying, pulling
from makertasks.contrib.django.models import AppliedVersion
from makertasks.errors import Unavailable
from makertasks.inventory import deliveries, site_changes
from makertasks.inventory import table as inventory


@pytest.fixture
def queue(aws):
    sqs = aws.client("sqs")
    queues.url_of.cache_clear()
    return sqs.create_queue(QueueName=queues.name_of(queues.SITE_CHANGES), Attributes={"VisibilityTimeout": "0"})


@pytest.fixture
def imports(inventory_table, media_bucket):
    return stack_side.Imports()


@pytest.fixture
def item(imports, queue):
    """An item in the site and in the stack."""
    made = InventoryItem.objects.create(name="Drill", sku="D-1", current_stock=5)
    imports.run()
    return made


@pytest.fixture
def stream(item):
    return stack_side.Stream()


def picture(colour: str, size: int = 600) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(file, "PNG")
    return file.getvalue()


def make_image(item, colour: str, key: str = "inventory/images/D-1.png") -> None:
    """The last steps of a download: store the object, then update the item."""
    bucket.put(key, picture(colour), "image/png")
    inventory.update_item(item.pk, image=key, thumbnail=f"CACHE/{key}.webp", image_digest=colour)


def make_code(item) -> None:
    key = f"inventory/qrcodes/qr_{item.pk}.png"
    bucket.put(key, picture("black", 100), "image/png")
    inventory.update_item(item.pk, qr_code=key, qr_code_digest="d")


def sync(**options) -> str:
    said = io.StringIO()
    call_command("makertasks_sync", stdout=said, **options)
    return said.getvalue().strip()


def page(item) -> dict:
    return Client().get(f"/items/{item.pk}/").json()


def colour_of(settings_of_site, url: str) -> tuple[int, ...]:
    with Image.open(f"{settings_of_site.MEDIA_ROOT}/{url.removeprefix('/media/')}") as image:
        return image.convert("RGB").getpixel((10, 10))


def is_red(colour: tuple[int, ...]) -> bool:
    return colour[0] > 200 and colour[2] < 60


def test_the_sites_page_shows_image_thumbnail_code_and_lead_times(item, stream, imports, settings_of_site):
    # given an item with a supplier's offer
    link = ItemSupplier.objects.create(item=item, supplier=Supplier.objects.create(name="S"))
    imports.run()
    before = InventoryItem.objects.get().updated_at
    assert page(item) | {"name": ""} == {
        "name": "", "image": None, "thumbnail": None, "qr_code_url": None, "average_lead_times": [7],
    }  # fmt: skip

    # when tasks have made all of them, and the site pulls
    make_image(item, "red")
    make_code(item)
    deliveries.set_lead_times([(f"item#{item.pk}", f"supplier#{link.pk}", (3, 4, 5))])
    assert stream.tell() == 1
    assert sync() == "3 applied, 2 unknown"  # this site has no columns for median and 90th percentile

    # then the page shows them from the site's own media
    shown = page(item)
    assert shown["image"] == "/media/inventory/images/D-1.png"
    assert shown["qr_code_url"] == f"/media/inventory/qrcodes/qr_{item.pk}.png"
    assert shown["average_lead_times"] == [3]
    assert is_red(colour_of(settings_of_site, shown["image"]))
    assert is_red(colour_of(settings_of_site, shown["thumbnail"]))
    assert InventoryItem.objects.get().updated_at == before
    assert sync() == "nothing new"


def test_changes_from_the_site_are_not_sent_back(item, stream, imports):
    bucket.put("inventory/images/own.png", picture("green"), "image/png")
    item.image = "inventory/images/own.png"
    item.save()
    imports.run()
    assert inventory.get_item(item.pk).image == "inventory/images/own.png"
    assert stream.messages() == []


def test_applied_changes_are_not_sent_back_to_the_stack(item, stream, imports):
    make_image(item, "red")
    stream.tell()
    sync()
    assert imports.new() == []


def test_new_content_under_the_same_name_renews_the_thumbnail(item, stream, settings_of_site):
    for colour in ("red", "blue"):
        make_image(item, colour)
        stream.tell()
        sync()
        shown = page(item)
        for kind in ("image", "thumbnail"):
            assert is_red(colour_of(settings_of_site, shown[kind])) == (colour == "red")


def test_a_replaced_image_is_deleted_with_its_thumbnail(item, stream, tmp_path):
    make_image(item, "red", "inventory/images/D-1.jpg")
    stream.tell()
    sync()
    page(item)
    make_image(item, "blue")
    stream.tell()
    sync()
    page(item)
    files = sorted(file.relative_to(tmp_path / "media").as_posix() for file in (tmp_path / "media").rglob("*.*"))
    assert files[-1] == "inventory/images/D-1.png"
    assert len(files) == 2  # the image and one thumbnail
    assert files[0].startswith("CACHE/images/inventory/images/D-1/")


def test_an_image_that_another_item_uses_is_kept(item, stream, tmp_path):
    make_image(item, "red", "inventory/images/shared.png")
    stream.tell()
    sync()
    InventoryItem.objects.create(name="Other", sku="O", image="inventory/images/shared.png")
    make_image(item, "blue")
    stream.tell()
    sync()
    assert (tmp_path / "media/inventory/images/shared.png").is_file()


def test_the_newest_change_wins_in_any_order_and_repetition(item, stream):
    versions = []
    for number, colour in enumerate(("red", "green", "blue")):
        make_image(item, colour, f"inventory/images/D-{number}.png")
        versions += stream.messages()
    for message in reversed(versions * 2):
        applying.apply(message)
    assert InventoryItem.objects.get().image == "inventory/images/D-2.png"
    assert sum(applying.apply(message)["older"] for message in versions) == 3


def test_200_changes_made_while_the_site_is_down_all_arrive(item, imports, stream):
    # given 200 items whose tasks finish while the site is down, each change sent twice and in any order
    with transaction.atomic():
        items = [InventoryItem.objects.create(name=f"No. {number}") for number in range(200)]
    imports.run()
    stream.messages()
    for each in items:
        inventory.update_item(each.pk, qr_code=f"inventory/qrcodes/qr_{each.pk}.png", qr_code_digest="d")
        bucket.put(f"inventory/qrcodes/qr_{each.pk}.png", b"png", "image/png")
    bodies = [site_changes.encode(message) for message in stream.messages()] * 2
    random.Random(1).shuffle(bodies)
    for body in bodies:
        queues.send(queues.SITE_CHANGES, body)

    # when it is up again
    said = sync()

    # then nothing is missing
    assert said == "200 applied, 200 older"
    assert InventoryItem.objects.exclude(qr_code="").exclude(qr_code=None).count() == 200


def test_a_concurrent_change_of_stock_survives(item, stream, monkeypatch):
    """The site's stock changes between reading and writing the row."""
    make_image(item, "red")
    place = applying.media.place

    def meanwhile(*arguments):
        InventoryItem.objects.filter(pk=item.pk).update(current_stock=4)
        place(*arguments)

    monkeypatch.setattr(applying.media, "place", meanwhile)
    stream.tell()
    assert sync() == "1 applied"
    found = InventoryItem.objects.get()
    assert (found.current_stock, str(found.image)) == (4, "inventory/images/D-1.png")


def test_an_item_deleted_meanwhile_leaves_no_files(item, stream, tmp_path):
    make_image(item, "red")
    stream.tell()
    item.delete()
    assert sync() == "1 gone"
    assert not list((tmp_path / "media").rglob("*.*"))
    assert not AppliedVersion.objects.exists()


def test_an_object_replaced_meanwhile_is_left_to_the_newer_change(item, stream):
    make_image(item, "red", "inventory/images/D-1.jpg")
    older = stream.messages()
    bucket.delete("inventory/images/D-1.jpg")
    make_image(item, "blue")
    assert [dict(applying.apply(message)) for message in older] == [{"superseded": 1}]
    stream.tell()
    assert sync() == "1 applied"


def test_a_pulled_change_that_fails_is_received_again(item, stream, monkeypatch):
    make_image(item, "red")
    stream.tell()
    with monkeypatch.context() as patch:
        patch.setattr(applying.media, "place", no_room)
        patch.setattr(queues, "receive", once(queues.receive))
        with pytest.raises(CommandError, match="received again"):
            sync()
    assert not InventoryItem.objects.get().image
    assert sync() == "1 applied"


def no_room(*_):
    raise OSError("no room on the disk")


def once(receive):
    answers = iter([True])
    return lambda *given: receive(*given) if next(answers, False) else []


def test_a_following_process_survives_failures_of_the_queue_and_the_database(item, stream, monkeypatch):
    # given a queue that cannot be reached at first, and a database that drops its connection after a change
    paused = []
    make_image(item, "red")
    stream.tell()

    def unreachable():
        raise Unavailable("no route to host")

    def another_change():
        assert InventoryItem.objects.get().image == "inventory/images/D-1.png"
        connection.connection.close()
        make_code(item)
        stream.tell()
        return receive(queues.SITE_CHANGES)

    def stopped():
        raise KeyboardInterrupt

    receive = queues.receive
    rounds = iter([unreachable, lambda: receive(queues.SITE_CHANGES), another_change, list, stopped])
    monkeypatch.setattr(queues, "receive", lambda *_: next(rounds)())
    monkeypatch.setattr(pulling.time, "sleep", paused.append)

    # when it follows until somebody stops it
    said = sync(follow=True)

    # then it has waited once, and applied both changes
    assert (said, paused) == ("", [pulling.PAUSE_SECONDS])
    found = InventoryItem.objects.get()
    assert (found.image, found.qr_code) == ("inventory/images/D-1.png", f"inventory/qrcodes/qr_{item.pk}.png")


def test_an_unknown_format_stays_in_the_queue(item, monkeypatch):
    queues.send(queues.SITE_CHANGES, json.dumps({"type": "inventory.changed", "format": 2, "changes": []}))
    monkeypatch.setattr(queues, "receive", once(queues.receive))
    with pytest.raises(CommandError, match="received again"):
        sync()


@pytest.mark.parametrize(
    ("model", "pk", "name", "value"),
    [
        ("inventory.inventoryitem", None, "name", "Other"),
        ("auth.user", "1", "is_superuser", 1),
        ("inventory.inventoryitem", "no uuid", "image", "inventory/images/D-1.png"),
        ("inventory.nothing", "1", "image", "x"),
    ],
)
def test_only_known_attributes_can_be_changed(item, model, pk, name, value):
    attributes = {name: site_changes.Attribute(value, 9)}
    message = site_changes.Message([site_changes.Changed(model, pk or str(item.pk), attributes)])
    assert dict(applying.apply(message)) == {"unknown": 1}


@pytest.mark.parametrize("kept", ["copy", "bucket"])
@pytest.mark.parametrize("key", ["../../etc/passwd", "inventory/images/../../x.png", "uploads/images/x.png"])
def test_a_key_outside_the_folders_of_tasks_is_refused(item, settings_of_site, key, kept):
    settings_of_site.MAKERTASKS_MEDIA = kept
    attributes = {"image": site_changes.Attribute(key, 9)}
    message = site_changes.Message([site_changes.Changed("inventory.inventoryitem", str(item.pk), attributes)])
    with pytest.raises(ValueError, match="not in a folder to which tasks write images"):
        applying.apply(message)


def test_images_served_from_the_bucket_are_not_copied(item, stream, settings_of_site, tmp_path):
    settings_of_site.MAKERTASKS_MEDIA = "bucket"
    make_image(item, "red")
    stream.tell()
    assert sync() == "1 applied"
    assert InventoryItem.objects.get().image == "inventory/images/D-1.png"
    assert not list((tmp_path / "media").rglob("*.png"))


def test_a_failed_transaction_leaves_versions_unchanged(item):
    with transaction.atomic():
        assert AppliedVersion.advance("k", 5, "default")
        transaction.set_rollback(True)
    assert AppliedVersion.advance("k", 4, "default")
    assert not AppliedVersion.advance("k", 4, "default")
    assert not AppliedVersion.advance("k", 3, "default")
    assert connection.is_usable()
