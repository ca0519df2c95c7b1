"""A Django site whose inventory is synchronised; test_stock_celery.py runs it where Django is installed."""

import os
import time

import boto3
import django
import pytest
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["inventory", "makertasks.contrib.django"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402 - Django wants its settings first
from django.db import connection, transaction  # noqa: E402
from inventory.models import Category, InventoryItem, ItemSupplier, Supplier  # noqa: E402

SECONDS = 40
dynamodb = boto3.client("dynamodb", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture(scope="module", autouse=True)
def database():
    with connection.schema_editor() as editor:
        for model in (Category, InventoryItem, Supplier, ItemSupplier):
            editor.create_model(model)
    call_command("migrate", "makertasks", verbosity=0)


def in_the_stack(item, entry="item"):
    key = {"owner": {"S": f"item#{item.id}"}, "entry": {"S": entry}}
    return dynamodb.get_item(TableName=os.environ["INVENTORY_TABLE"], Key=key, ConsistentRead=True).get("Item")


def wait_until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def test_saved_and_changed_objects_reach_the_stack():
    with transaction.atomic():
        category = Category.objects.create(name="Tools", color="#2563eb")
        item = InventoryItem.objects.create(name="Drill", sku="D-1", category=category, current_stock=3)
        assert in_the_stack(item) is None
    wait_until(lambda: in_the_stack(item))
    found = in_the_stack(item)
    assert (found["name"], found["sku"]) == ({"S": "Drill"}, {"S": "D-1"})
    assert found["category"]["M"]["name"] == {"S": "Tools"}
    item.current_stock = 2
    item.save()
    wait_until(lambda: in_the_stack(item)["current_stock"] == {"N": "2"})


def test_rolled_back_changes_do_not_reach_the_stack():
    kept, dropped = InventoryItem(name="Kept"), InventoryItem(name="Dropped")
    with transaction.atomic():
        dropped.save()
        transaction.set_rollback(True)
    kept.save()
    wait_until(lambda: in_the_stack(kept))
    assert in_the_stack(dropped) is None


def test_a_deletion_is_sent_with_its_cascade():
    # given an item with a supplier's offer
    item = InventoryItem.objects.create(name="Vice")
    supplier = Supplier.objects.create(name="McMaster-Carr")
    offer = ItemSupplier.objects.create(item=item, supplier=supplier, unit_cost="12.50")
    number, gone = f"supplier#{offer.pk}", InventoryItem(id=item.id)
    wait_until(lambda: in_the_stack(item, number))

    # when the item is deleted, and the offer with it
    item.delete()

    # then neither is in the table
    wait_until(lambda: not in_the_stack(gone) and not in_the_stack(gone, number))
