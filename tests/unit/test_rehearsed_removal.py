"""A stack's removal and restoring, on a model of CloudFormation."""

from __future__ import annotations

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from rehearsed_stack import STACK, changed, created, kept, template

from infra import restore, stacks
from tests.cloudformation_template import Template


def test_a_removed_stack_retains_its_stores_even_if_they_are_protected():
    account = created()
    account.update(template("second", DeletionProtection="true"))
    stores = {(template().body["Resources"][name]["Type"], account.stack.names[name]) for name in kept(template())}
    account.delete()
    assert account.status is None
    assert account.existing.keys() == stores
    assert len(stores) == len(restore.IDENTIFIERS)


def test_a_protected_resource_that_is_not_retained_would_make_the_removal_fail():
    account = created()
    account.update(changed("TasksTable", lambda body: body.update(DeletionPolicy="Delete")))
    account.existing["AWS::DynamoDB::Table", f"{STACK}-tasks"].properties["DeletionProtectionEnabled"] = True
    account.delete()
    assert account.status == "DELETE_FAILED"
    assert account.stack.names == {"TasksTable": f"{STACK}-tasks"}


@pytest.mark.parametrize("more", [{}, {"KeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1", "KeyShards": "8"}])
def test_a_removed_stack_is_restored_with_its_stores(more: dict[str, str]):
    # given a removed stack, whose stores still exist
    account = created(**more)
    whole = account.existing.keys()
    names = {logical_id: account.stack.names[logical_id] for logical_id in restore.IDENTIFIERS}
    account.delete()
    stores = dict(account.existing)

    # when it is created again, then that fails, because the stores exist
    account.create(template(**more))
    assert account.status == "ROLLBACK_COMPLETE"
    assert account.existing == stores

    # when it is restored, then the next deployment adds what the import left out
    for logical_id, left_out in restore.LATER.items():
        for name in left_out:
            del account.existing["AWS::S3::Bucket", names[logical_id]].properties[name]
    account.adopt(Template(restore.template(names), STACK, more), names)
    assert account.status in stacks.READY
    account.update(template(**more))
    assert account.status == "UPDATE_COMPLETE", account.reason
    assert {kind for kind, _ in account.existing} == {kind for kind, _ in whole}
    assert all(account.existing[key] is found for key, found in stores.items()), "no store was replaced"


def test_each_store_is_imported_by_the_identifier_that_cloudformation_takes():
    for logical_id, identifier in restore.IDENTIFIERS.items():
        kind = template().body["Resources"][logical_id]["Type"]
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        assert schema["primaryIdentifier"] == [f"/properties/{identifier}"]
