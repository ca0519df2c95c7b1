"""What a site sees of missing objects if S3 responds as on AWS.

Whoever may not list a bucket gets 403 for an object that is not there, and 404 only with `s3:ListBucket`:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html. Neither moto nor the local AWS does that, so these
tests apply the site's printed policy.
"""

from __future__ import annotations

import io
from fnmatch import fnmatchcase

import pytest
from django.core.management import CommandError, call_command
from inventory.models import InventoryItem

from makertasks import settings
from makertasks.aws import session
from makertasks.contrib.celery import settings as policies
from makertasks.inventory import table as inventory

GONE = "inventory/images/gone.png"


def allows(statements, action: str, resource: str) -> bool:
    """Whether a policy with only Allow statements allows an action, by IAM's rules for wildcards."""
    return any(
        action in each["Action"]
        and any(
            fnmatchcase(resource, allowed)
            for allowed in ([each["Resource"]] if isinstance(each["Resource"], str) else each["Resource"])
        )
        for each in statements
    )


@pytest.fixture
def s3_obeys(inventory_table, media_bucket, task_queues):
    """Make S3 apply a policy's statements to GetObject."""
    statements: list[dict] = []
    client = session.client("s3")

    def answered(parsed, **_):
        arn = f"arn:aws:s3:::{settings.bucket()}"
        readable = allows(statements, "s3:GetObject", f"{arn}/{GONE}")
        if parsed.get("Error", {}).get("Code") != "NoSuchKey" or (
            readable and allows(statements, "s3:ListBucket", arn)
        ):
            return
        parsed["Error"] = {"Code": "AccessDenied", "Message": "not authorized to perform: s3:ListBucket"}
        parsed["ResponseMetadata"]["HTTPStatusCode"] = 403

    client.meta.events.register("after-call.s3.GetObject", answered)
    yield statements.extend
    client.meta.events.unregister("after-call.s3.GetObject", answered)


@pytest.fixture
def gone(inventory_table, media_bucket):
    """An item whose image is no longer in the bucket."""
    item = InventoryItem.objects.create(name="Drill")
    inventory.write([inventory.Item(inventory.owner_of(item.pk), "item", name="Drill")])
    inventory.update_item(item.pk, image=GONE, image_digest="d")


def printed() -> list[dict]:
    """The statements that `makertasks celery-settings --policy --inventory` prints for the inventory."""
    return policies._inventory_statements(f"arn:aws:s3:::{settings.bucket()}")


def sync() -> str:
    said = io.StringIO()
    call_command("makertasks_sync", "--all", stdout=said)
    return said.getvalue()


def test_the_printed_policy_lets_the_site_recognise_missing_objects(s3_obeys, gone):
    s3_obeys(printed())
    assert "site: 1 superseded" in sync()


def test_without_permission_to_list_a_missing_object_is_retried_every_night(s3_obeys, gone):
    s3_obeys([each for each in printed() if "s3:ListBucket" not in each["Action"]])
    with pytest.raises(CommandError, match="1 attributes were not applied"):
        sync()
