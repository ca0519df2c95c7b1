"""Restoring a removed stage: the resources that CloudFormation imports."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra import restore
from infra.command import choose_region
from infra.local.template import load
from infra.stacks import Refused

STACK = "makertasks-prod"
BUCKET = f"{STACK}-media-123456789012-eu-central-1"  # moto's account


class UserPools:
    """Amazon Cognito with user pools of these names."""

    def __init__(self, *names: str):
        self.names = names

    def get_paginator(self, _operation):
        return self

    def paginate(self, **_bounds):
        return [{"UserPools": [{"Id": f"pool-{number}", "Name": name} for number, name in enumerate(self.names)]}]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[UserPools]:
    """An account with only a removed stack's stores; yields its user pools."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")  # as in docs/deploying.md; boto3 itself does not read it
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    pools, client = UserPools("another", STACK), boto3.client
    monkeypatch.setattr(restore.boto3, "client", lambda name: pools if name == "cognito-idp" else client(name))
    with mock_aws():
        choose_region()
        for name in ("tasks", "inventory", "counters"):
            client("dynamodb").create_table(
                TableName=f"{STACK}-{name}", BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                Tags=[{"Key": "key-shards", "Value": "8"}] if name == "tasks" else [],
            )  # fmt: skip
        region = {"LocationConstraint": "eu-central-1"}
        client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
        yield pools


def test_every_retained_store_is_found(account: UserPools):
    names = restore.kept(STACK)
    assert names["Users"] == "pool-1"
    assert names["MediaBucket"] == BUCKET
    assert names.keys() == restore.IDENTIFIERS.keys()
    assert restore.key_of(names["TasksTable"]) == ""
    assert restore.shards_of(names["CountersTable"]) == "1"
    assert restore.shards_of(names["TasksTable"]) == "8"


def test_a_missing_table_or_a_second_user_pool_is_named(account: UserPools):
    account.names = (STACK, STACK)
    with pytest.raises(Refused, match=f"2 user pools named {STACK} .pool-0, pool-1.,"):
        restore.kept(STACK)
    boto3.client("dynamodb").delete_table(TableName=f"{STACK}-counters")
    with pytest.raises(Refused, match=f"{STACK}-counters does not exist"):
        restore.kept(STACK)


def test_the_import_template_contains_only_the_stores_with_literal_names_and_no_undefined_reference():
    names = {name: f"name-of-{name}" for name in restore.IDENTIFIERS}

    body = restore.template(names)

    stores = {
        name: resource["Type"] for name, resource in load()["Resources"].items() if "DeletionPolicy" in resource
    }  # the import contains exactly what the template retains
    assert {name: resource["Type"] for name, resource in body["Resources"].items()} == stores
    for name, resource in body["Resources"].items():
        identifier = restore.IDENTIFIERS[name]
        assert resource["Properties"].get(identifier, names[name]) == names[name]
        assert resource["DeletionPolicy"]  # CloudFormation refuses to import a resource without one
        assert "DependsOn" not in resource
    text = json.dumps(body)
    assert "Fn::GetAtt" not in text
    for other in load()["Resources"].keys() - stores.keys():
        assert f'"{other}' not in text, f"the import would need {other}"
    assert {"KeyArn", "DeletionProtection", "KeyShards"} == body["Parameters"].keys()
    assert {"HasKey", "IsProtected"} == body["Conditions"].keys()
    assert len(text) < 51_200  # the limit of a template inside the request


def test_cloudformation_is_asked_to_import_each_store_by_its_identifier(monkeypatch: pytest.MonkeyPatch):
    asked = {}

    class CloudFormation:
        status = None

        def create_change_set(self, **request):
            asked.update(request)
            return {"Id": "arn:change-set"}

        def describe_change_set(self, ChangeSetName):  # noqa: N803 - AWS's name
            return {"Id": ChangeSetName, "Status": "CREATE_COMPLETE"}

        def execute_change_set(self, **_request):
            self.status = "IMPORT_COMPLETE"

        def describe_stacks(self, **_request):
            return {"Stacks": [{"StackId": STACK, "StackStatus": self.status}]}

    made = CloudFormation()
    monkeypatch.setattr(restore.boto3, "client", lambda _service: made)
    names = {name: f"name-of-{name}" for name in restore.IDENTIFIERS}

    restore.adopt(
        STACK, restore.template(names), names, {"KeyArn": "", "DeletionProtection": "false", "KeyShards": "1"}
    )

    assert asked["ChangeSetType"] == "IMPORT"
    identified = {each["LogicalResourceId"]: each["ResourceIdentifier"] for each in asked["ResourcesToImport"]}
    assert identified["Users"] == {"UserPoolId": "name-of-Users"}
    assert identified["TasksTable"] == {"TableName": "name-of-TasksTable"}
    assert identified["MediaBucket"] == {"BucketName": "name-of-MediaBucket"}
