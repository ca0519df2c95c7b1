"""An item in the site and in the stack, what tasks make for it, and the command that fetches it."""

from __future__ import annotations

import io

import pytest
import stack_side
from django.core.management import call_command
from django.test import Client
from inventory.models import InventoryItem
from PIL import Image

from makertasks.aws import bucket, queues
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
