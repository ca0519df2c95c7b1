"""Probes of a Django site's IAM policy, each with its own keys; test_site_rights.py runs this.

Standard input: a list of [probe, keys]; each probe runs in a process of its own. Standard output: a
list of their errors, empty for a success.
"""

import io
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import django
from PIL import Image

from tests.stack.forked import outcome

sys.path.insert(0, os.environ["SITE"])
os.environ["DJANGO_SETTINGS_MODULE"] = "makerspace.settings"
django.setup()

from django.core.files.base import ContentFile  # noqa: E402 - Django wants its settings first
from django.core.files.storage import default_storage  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from inventory.models import InventoryItem  # noqa: E402

from makertasks.aws import queues  # noqa: E402
from makertasks.contrib.django import applying, changes, comparing, media, pulling  # noqa: E402
from makertasks.errors import NotFound  # noqa: E402
from makertasks.inventory import site_changes  # noqa: E402

ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
EXPIRES = 3600


def picture(colour):
    file = io.BytesIO()
    Image.new("RGB", (400, 400), colour).save(file, "PNG")
    return file.getvalue()


def put(key, colour="red"):
    """An object that a task stored."""
    boto3.client("s3", **ROOT).put_object(Bucket=os.environ["MEDIA_BUCKET"], Key=key, Body=picture(colour))
    return key


def sends_inventory():
    changes.send([])


def pulls():
    sqs = boto3.client("sqs", **ROOT)
    url = sqs.get_queue_url(QueueName=queues.name_of(queues.SITE_CHANGES))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=site_changes.encode(site_changes.Message([])))
    pulling.pull()


def copies_an_image():
    assert media.fetch(put("inventory/images/probe.png"), None)


def copies_a_code():
    assert media.fetch(put("inventory/qrcodes/qr_probe.png"), None)


def recognises_missing_objects():
    try:
        media.fetch(f"inventory/images/{uuid.uuid4()}.png", None)
    except NotFound:
        return
    raise AssertionError("it is there")


def compares():
    comparing.compare(dry_run=True)


def shows_media_from_the_bucket():
    """Presigned links of image and thumbnail, before and after a task replaces the image; nothing is copied."""
    item = InventoryItem.objects.create(name="Drill")
    for version, colour in enumerate(("red", "blue"), start=1):
        key = put(f"inventory/images/{item.pk}.png", colour)
        attributes = {"image": site_changes.Attribute(key, version)}
        changed = site_changes.Changed(site_changes.ITEM, str(item.pk), attributes)
        assert applying.apply(site_changes.Message([changed])) == {"applied": 1}
        shown = Client().get(f"/items/{item.pk}/").json()
        assert (colour_of(shown["image"]), colour_of(shown["thumbnail"])) == (colour, colour), shown
    assert parse_qs(urlsplit(shown["image"]).query)["X-Amz-Expires"] == [str(EXPIRES)]
    assert not (Path(os.environ["SITE_FOLDER"]) / "media").exists()


def colour_of(url):
    with Image.open(io.BytesIO(urllib.request.urlopen(url, timeout=10).read())) as image:  # noqa: S310 - the local AWS
        red, _, blue = image.convert("RGB").getpixel((5, 5))
    return "red" if red > blue else "blue"


def redraws_a_thumbnail():
    """The image has new content under the same name."""
    item = InventoryItem.objects.create(name="Drill", image=put(f"inventory/images/{uuid.uuid4()}.png"))
    item.thumbnail.generate()
    item.thumbnail.storage.delete(item.thumbnail.name)
    item.thumbnail.generate(force=True)


def reads_a_thumbnail():
    item = InventoryItem.objects.create(name="Drill", image=put(f"inventory/images/{uuid.uuid4()}.png"))
    item.thumbnail.generate()
    assert default_storage.open(item.thumbnail.name).read()


def uploads_in_admin():
    """Two images with the same name are two objects."""
    items = [InventoryItem.objects.create(name="Drill") for _ in range(2)]
    for item in items:
        item.image.save("photo.png", ContentFile(picture("red")))
    assert items[0].image.name != items[1].image.name


def links_end():
    """An expired link is refused."""
    url = default_storage.url(put("inventory/images/short.png"), expire=1)
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).close()  # noqa: S310 - the local AWS
        except urllib.error.HTTPError as error:
            if error.code == 403:
                return
            raise
        assert time.monotonic() < deadline, "the link still works"
        time.sleep(0.2)


if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    django.db.connections.close_all()
    json.dump([outcome(globals()[probe], keys) for probe, keys in json.load(sys.stdin)], sys.stdout)
