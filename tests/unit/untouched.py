"""Tables and buckets to which no refused download may write."""

from __future__ import annotations

import pytest
from moto import mock_aws

from makertasks.aws import session as clients
from makertasks.inventory import table as inventory
from tests.template import resources
from tests.unit.downloads import ITEM, save_item, stored_keys


@pytest.fixture(scope="module")
def untouched_aws():
    """One table and one bucket for all these tests: none of them may leave anything there."""
    keys = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    table = {key: value for key, value in resources()["InventoryTable"]["Properties"].items() if key in keys}
    with pytest.MonkeyPatch.context() as patches, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patches.setenv(name, "test")
        patches.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patches.setenv("INVENTORY_TABLE", "unit-inventory")
        clients.client("dynamodb").create_table(TableName="unit-inventory", **table)
        clients.client("s3").create_bucket(Bucket="unit-media")
        save_item()
        yield
        assert inventory.get_item(ITEM).image is None


@pytest.fixture(autouse=True)
def nothing_is_stored(untouched_aws):
    """Check after each test, too. (The item is checked once at the end: it is written after the bucket.)"""
    yield
    assert stored_keys() == []
