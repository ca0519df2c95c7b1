"""A site's complete round trip with stock Celery as sender; test_site.py runs this where Django is installed.

What the site saves reaches the stack, and what tasks make there appears on the site's pages, from its own database and
media: pulled by `manage.py makertasks_sync`, or pushed to its view.
"""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import pytest
from PIL import Image

sys.path.insert(0, os.environ["SITE"])
os.environ["DJANGO_SETTINGS_MODULE"] = "makerspace.settings"
django.setup()

from django.core.management import call_command  # noqa: E402 - Django wants its settings first
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.test import Client  # noqa: E402
from inventory.models import InventoryItem, ItemSupplier, Supplier  # noqa: E402
from inventory.tasks import (  # noqa: E402
    download_image_from_url,
    generate_qr_code,
    update_average_lead_times,
)
from reorder_queue.models import ReorderRequest  # noqa: E402

SECONDS = 90
PUSHED = bool(os.environ.get("SITE_PORT"))
MEDIA = Path(os.environ["SITE_FOLDER"]) / "media"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module", autouse=True)
def site():
    call_command("migrate", run_syncdb=True, verbosity=0)
    if not PUSHED:
        yield
        return
    server = make_server("127.0.0.1", int(os.environ["SITE_PORT"]), get_wsgi_application(), handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()


def until(condition, what):
    deadline = time.monotonic() + SECONDS
    while True:
        if not PUSHED:
            call_command("makertasks_sync")
        if found := condition():
            return found
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.3)


def page(item):
    return Client().get(f"/items/{item.pk}/").json()


def colour_of(url):
    until((MEDIA / url.removeprefix("/media/")).is_file, f"the file of {url}")
    with Image.open(MEDIA / url.removeprefix("/media/")) as image:
        red, _, blue = image.convert("RGB").getpixel((5, 5))
    return "red" if red > blue else "blue"


def test_the_sites_pages_show_results_of_tasks():
    # given an item that is saved with an image_url, as OpenMakerSuite does
    item = InventoryItem.objects.create(name="Drill", sku="D-1", image_url=os.environ["RED"], current_stock=5)
    download_image_from_url.delay(str(item.pk), item.image_url)

    # then its page shows image and thumbnail from the site's own media
    shown = until(lambda: (found := page(item))["image"] and found, "the image")
    assert (colour_of(shown["image"]), colour_of(shown["thumbnail"])) == ("red", "red")

    # and the QR code, once requested
    assert generate_qr_code.delay(item_id=str(item.pk)).get(timeout=SECONDS, interval=0.2)["qr_code"]
    shown = until(lambda: (found := page(item))["qr_code_url"] and found, "the QR code")
    assert (MEDIA / shown["qr_code_url"].removeprefix("/media/")).is_file()

    # when the image is replaced while the stock changes in the database only, then both changes survive
    first = shown["image"]
    InventoryItem.objects.filter(pk=item.pk).update(current_stock=4)
    item = InventoryItem.objects.get(pk=item.pk)
    item.image_url = os.environ["BLUE"]
    item.save(update_fields=["image_url"])
    shown = until(lambda: (found := page(item))["image"] and colour_of(found["image"]) == "blue" and found, "a new one")
    assert colour_of(shown["thumbnail"]) == "blue"
    assert (MEDIA / first.removeprefix("/media/")).exists() == (first == shown["image"])
    assert InventoryItem.objects.get(pk=item.pk).current_stock == 4


def test_lead_times_are_on_the_page_after_their_run():
    item = InventoryItem.objects.create(name="Screws", sku="S-1")
    ItemSupplier.objects.create(item=item, supplier=Supplier.objects.create(name="McMaster-Carr"), is_primary=True)
    now = datetime.now(UTC)
    ordered = {"item": item, "status": "received", "ordered_at": now - timedelta(days=10)}
    for days in (2, 4):
        ReorderRequest.objects.create(**ordered, actual_delivery=now.date() - timedelta(days=10 - days))

    def measured():
        update_average_lead_times.delay().get(timeout=SECONDS, interval=0.2)
        return page(item)["average_lead_times"] == [3]

    until(measured, "the lead time")
