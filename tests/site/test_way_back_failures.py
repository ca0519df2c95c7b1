"""Changes on their way back that meet failures, concurrent changes or invalid messages."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError
from django.db import connection, transaction
from inventory.models import InventoryItem
from way_back import make_code, make_image, sync

from makertasks.aws import bucket, queues
from makertasks.contrib.django import applying, pulling
from makertasks.contrib.django.models import AppliedVersion
from makertasks.errors import Unavailable
from makertasks.inventory import site_changes


def test_a_concurrent_change_of_stock_survives(item, stream, monkeypatch):
    """The site's stock changes between reading and writing the row."""
    make_image(item, "red")
    place = applying.media.place

    def meanwhile(*arguments):
        InventoryItem.objects.filter(pk=item.pk).update(current_stock=4)
        place(*arguments)

    monkeypatch.setattr(applying.media, "place", meanwhile)
    stream.send()
    assert sync() == "1 applied"
    found = InventoryItem.objects.get()
    assert (found.current_stock, str(found.image)) == (4, "inventory/images/D-1.png")


def test_an_item_deleted_meanwhile_leaves_no_files(item, stream, tmp_path):
    make_image(item, "red")
    stream.send()
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
    stream.send()
    assert sync() == "1 applied"


def test_a_pulled_change_that_fails_is_received_again(item, stream, monkeypatch):
    make_image(item, "red")
    stream.send()
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
    stream.send()

    def unreachable():
        raise Unavailable("no route to host")

    def another_change():
        assert InventoryItem.objects.get().image == "inventory/images/D-1.png"
        connection.connection.close()
        make_code(item)
        stream.send()
        return receive(queues.SITE_CHANGES)

    def stopped():
        raise KeyboardInterrupt

    receive = queues.receive
    rounds = iter([unreachable, lambda: receive(queues.SITE_CHANGES), another_change, list, stopped])
    monkeypatch.setattr(queues, "receive", lambda *_: next(rounds)())
    monkeypatch.setattr(pulling.time, "sleep", paused.append)

    # when it follows the queue until somebody stops it
    said = sync(follow=True)

    # then it has paused once and applied both changes
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


def test_a_failed_transaction_leaves_versions_unchanged(item):
    with transaction.atomic():
        assert AppliedVersion.advance("k", 5, "default")
        transaction.set_rollback(True)
    assert AppliedVersion.advance("k", 4, "default")
    assert not AppliedVersion.advance("k", 4, "default")
    assert not AppliedVersion.advance("k", 3, "default")
    assert connection.is_usable()
