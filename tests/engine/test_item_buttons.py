"""An item's page has a button for each task that runs for an item, by the tasks' own declarations."""

from __future__ import annotations

import re

import pytest
from api_calls import pool  # noqa: F401 - the fixture
from browsing import DOWNLOAD, ITEM, PICTURE, browse, everything  # noqa: F401 - the fixture

from makertasks import tasks
from makertasks.inventory.table import Item
from makertasks.records import table as records
from makertasks.tasks import ItemId, Task

OURS = {
    "Download image": DOWNLOAD,
    "Generate QR code": "inventory.tasks.generate_qr_code",
    "Generate index card": "inventory.tasks.generate_index_card",
}


def buttons(item_id=ITEM):
    """Name of the task behind each button of an item's page."""
    page = browse("GET", f"/items/{item_id}")[1]
    return {label: name for name, label in re.findall(r'name="task" value="([^"]+)">\s*<button[^>]*>([^<]+)<', page)}


def print_label(item_id: ItemId, sku: str, copies: int = 1) -> dict:
    """Print an item's label."""
    return {"item_id": str(item_id), "sku": sku, "copies": copies}


@pytest.fixture
def label(monkeypatch):
    """A task that somebody added."""
    added = Task("shop.print_label", print_label)
    monkeypatch.setitem(tasks._registry, added.name, added)
    return added


def test_each_task_that_takes_an_item_has_a_button(everything):  # noqa: F811
    assert buttons() == OURS


def test_an_added_task_has_a_button_once_the_item_has_its_required_attributes(everything, label):  # noqa: F811
    # given an item without the SKU that the task needs, there is no button, and the form says why
    assert buttons() == OURS
    status, page, _ = browse("POST", f"/items/{ITEM}", form={"task": label.name})
    assert (status, "is not set for this item" in page) == (422, True)

    # when the item has one
    Item(f"item#{ITEM}", "item", name="Safety glasses", sort_name="glasses", image_url=PICTURE, sku="G-1").save()

    # then there is one, with its name in words
    assert buttons() == {**OURS, "Print label": label.name}


def test_a_download_gets_the_items_unmasked_url(everything):  # noqa: F811
    secret = "https://user:s3cret@shop.example/glasses.jpg"
    Item(f"item#{ITEM}", "item", name="Safety glasses", sort_name="glasses", image_url=secret).save()
    status, _, headers = browse("POST", f"/items/{ITEM}", form={"task": DOWNLOAD})
    assert status == 303
    submitted = headers["Location"].removeprefix("/tasks/").partition("?")[0]
    assert records.get(submitted).kwargs["item_id"] == ITEM
    assert tasks.find(DOWNLOAD).for_item({"id": ITEM, "image_url": secret})["image_url"] == secret


@pytest.mark.parametrize("name", ["makertasks.clean_media", "makertasks.attach_upload", "no.such_task"])
def test_a_button_for_a_task_without_item_is_refused(everything, name):  # noqa: F811
    status, page, _ = browse("POST", f"/items/{ITEM}", form={"task": name})
    assert status == 422
    assert "there is no task" in page or "does not run for an item" in page
