"""Rolling back: every alias to the version before."""

from __future__ import annotations

import io
import json
import zipfile

import boto3
import pytest
from moto import mock_aws

from infra import rollback
from infra.stacks import Refused

STACK = "makertasks-prod"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch):
    """A stack with one function of three published versions, whose alias names the last."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
            ],
        }
        role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        function = {"Type": "AWS::Lambda::Function", "Properties": {
            "FunctionName": "api", "Role": role, "Runtime": "python3.13", "Handler": "a.b",
            "Code": {"ZipFile": "x = 0"},
        }}  # fmt: skip
        body = json.dumps({"Resources": {"ApiFunction": function}})
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=body)
        client = boto3.client("lambda")
        for number in range(1, 4):
            client.update_function_code(FunctionName="api", ZipFile=zipped(f"x = {number}"))
            last = client.publish_version(FunctionName="api")["Version"]
        client.create_alias(FunctionName="api", Name="live", FunctionVersion=last)
        yield client


def zipped(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.py", text)
    return content.getvalue()


def test_a_rollback_moves_to_the_version_before_and_the_next_deployment_knows_it(deployed):
    before = int(deployed.get_alias(FunctionName="api", Name="live")["FunctionVersion"])
    assert rollback.marker(STACK) == ""

    rollback.roll_back(STACK)

    assert int(deployed.get_alias(FunctionName="api", Name="live")["FunctionVersion"]) == before - 1
    assert rollback.marker(STACK) == f"api:{before}"


def test_a_rollback_without_an_earlier_version_changes_nothing(deployed):
    rollback.roll_back(STACK)
    rollback.roll_back(STACK)
    with pytest.raises(Refused, match="no previous version"):
        rollback.roll_back(STACK)
    with pytest.raises(Refused, match="stack makertasks-dev does not exist"):
        rollback.roll_back("makertasks-dev")
