"""Changes made by tasks reach the site's database and media: once, and in order."""

from __future__ import annotations

import random

from django.db import transaction
from inventory.models import InventoryItem, ItemSupplier, Supplier
from way_back import colour_of, is_red, make_code, make_image, page, picture, sync

from makertasks.aws import bucket, queues
from makertasks.contrib.django import applying
from makertasks.inventory import deliveries, site_changes
from makertasks.inventory import table as inventory


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
    assert stream.send() == 1
    assert sync() == "3 applied, 2 unknown"  # this site has no columns for median and 90th percentile

    # then the page shows them, from the site's own media
    shown = page(item)
    assert shown["image"] == "/media/inventory/images/D-1.png"
    assert shown["qr_code_url"] == f"/media/inventory/qrcodes/qr_{item.pk}.png"
    assert shown["average_lead_times"] == [3]
    assert is_red(colour_of(settings_of_site, shown["image"]))
    assert is_red(colour_of(settings_of_site, shown["thumbnail"]))
    assert InventoryItem.objects.get().updated_at == before
    assert sync() == "nothing new"


def test_the_sites_own_changes_do_not_come_back_to_it(item, stream, imports):
    bucket.put("inventory/images/own.png", picture("green"), "image/png")
    item.image = "inventory/images/own.png"
    item.save()
    imports.run()
    assert inventory.get_item(item.pk).image == "inventory/images/own.png"
    assert stream.messages() == []


def test_applied_changes_are_not_sent_back_to_the_stack(item, stream, imports):
    make_image(item, "red")
    stream.send()
    sync()
    assert imports.new() == []


def test_new_content_under_the_same_name_renews_the_thumbnail(item, stream, settings_of_site):
    for colour in ("red", "blue"):
        make_image(item, colour)
        stream.send()
        sync()
        shown = page(item)
        for kind in ("image", "thumbnail"):
            assert is_red(colour_of(settings_of_site, shown[kind])) == (colour == "red")


def test_a_replaced_image_is_deleted_with_its_thumbnail(item, stream, tmp_path):
    make_image(item, "red", "inventory/images/D-1.jpg")
    stream.send()
    sync()
    page(item)
    make_image(item, "blue")
    stream.send()
    sync()
    page(item)
    files = sorted(file.relative_to(tmp_path / "media").as_posix() for file in (tmp_path / "media").rglob("*.*"))
    assert files[-1] == "inventory/images/D-1.png"
    assert len(files) == 2  # the image and one thumbnail
    assert files[0].startswith("CACHE/images/inventory/images/D-1/")


def test_an_image_that_another_item_uses_is_kept(item, stream, tmp_path):
    make_image(item, "red", "inventory/images/shared.png")
    stream.send()
    sync()
    InventoryItem.objects.create(name="Other", sku="O", image="inventory/images/shared.png")
    make_image(item, "blue")
    stream.send()
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


def test_images_served_from_the_bucket_are_not_copied(item, stream, settings_of_site, tmp_path):
    settings_of_site.MAKERTASKS_MEDIA = "bucket"
    make_image(item, "red")
    stream.send()
    assert sync() == "1 applied"
    assert InventoryItem.objects.get().image == "inventory/images/D-1.png"
    assert not list((tmp_path / "media").rglob("*.png"))
