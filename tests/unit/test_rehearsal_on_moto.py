"""The transformed template on moto's CloudFormation, a second implementation to check our model's assumptions.

It changes no function with layers and retains nothing, so updates and removals are the model's (test_rehearsal.py) and
the local AWS's (tests/stack/test_deploy.py).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudformation.parsing import resource_class_from_type

from tests.cloudformation import FIRST, deployments
from tests.cloudformation_template import PSEUDO, Template

STACK, REGION, ACCOUNT = "makertasks-staging", "eu-central-1", "123456789012"
GIVEN = {"FrontendUrl": "https://a.example", "SuccessRetentionDays": "90", **FIRST}
ON_THE_LOCAL_AWS = "tests/stack uses it on the local AWS"
BY_SAM = "SAM generates it from a function; tests/unit/test_versions.py checks it"
# Types that moto's CloudFormation lacks, and the tests that cover them. All others are created here, and cfn-lint
# compares them all with AWS's schemas (make check).
UNKNOWN = {
    "AWS::ApiGatewayV2::Api": ON_THE_LOCAL_AWS,
    "AWS::ApiGatewayV2::Integration": ON_THE_LOCAL_AWS,
    "AWS::ApiGatewayV2::Route": ON_THE_LOCAL_AWS,
    "AWS::ApiGatewayV2::Stage": ON_THE_LOCAL_AWS,
    "AWS::CloudWatch::Alarm": "tests/unit/test_template.py: each has a recipient and names a runbook",
    "AWS::CodeDeploy::Application": BY_SAM,
    "AWS::CodeDeploy::DeploymentGroup": BY_SAM,
    "AWS::Cognito::UserPool": ON_THE_LOCAL_AWS,
    "AWS::Cognito::UserPoolClient": ON_THE_LOCAL_AWS,
    "AWS::Cognito::UserPoolDomain": ON_THE_LOCAL_AWS,
    "AWS::Cognito::UserPoolGroup": ON_THE_LOCAL_AWS,
    "AWS::Cognito::UserPoolResourceServer": ON_THE_LOCAL_AWS,
    "AWS::Lambda::Alias": BY_SAM,
    "AWS::Lambda::EventInvokeConfig": "only cfn-lint: it disables retries, which the next sweep makes unnecessary",
    "AWS::Logs::QueryDefinition": "tests/unit/test_template.py: pages and runbooks name each; the local AWS has none",
    "AWS::S3::BucketPolicy": ON_THE_LOCAL_AWS,
    "AWS::SNS::Subscription": "tests/stack/test_deploy.py: an alarm's mail",
    "AWS::SNS::TopicPolicy": "tests/unit/test_template.py",
    "AWS::SQS::QueuePolicy": ON_THE_LOCAL_AWS,
    "AWS::Scheduler::Schedule": ON_THE_LOCAL_AWS,
    "AWS::Scheduler::ScheduleGroup": ON_THE_LOCAL_AWS,
}


def known_part(body: dict[str, Any]) -> dict[str, Any]:
    """A template without unsupported types; an alias becomes its function, and other references become text."""
    unknown = {name for name, each in body["Resources"].items() if each["Type"] in UNKNOWN}
    rest = {name: each for name, each in copy.deepcopy(body)["Resources"].items() if name not in unknown}
    found: dict[str, Any] = _without({**body, "Resources": rest, "Outputs": {}}, unknown)
    return found


def _without(node: Any, unknown: set[str]) -> Any:
    if isinstance(node, list):
        return [_without(each, unknown) for each in node]
    if not isinstance(node, dict):
        return node
    match node:
        case {"Ref": str(name)} if name in unknown:
            return {"Ref": name.removesuffix("Aliaslive")} if name.endswith("Aliaslive") else f"the-{name}"
        case {"Fn::GetAtt": [name, attribute]} if name in unknown:
            return f"https://the-{name}.{attribute}"
        case {"Fn::Sub": str(text)}:
            named = re.compile(rf"\$\{{({'|'.join(unknown)})(\.\w+)?\}}")
            return {"Fn::Sub": named.sub(r"the-\1", text)}
    return {key: _without(each, unknown) for key, each in node.items() if key != "DependsOn"}


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture(scope="module")
def physical() -> Iterator[dict[tuple[str, str], str]]:
    """A stack on moto, with SAM's artefact bucket; yields physical ids by type and logical id."""
    with mock_aws():
        bucket = deployments()["first"]["Resources"]["ApiFunction"]["Properties"]["Code"]["S3Bucket"]
        region = {"LocationConstraint": REGION}
        client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=region)
        cloudformation = client("cloudformation")
        cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(known_part(deployments()["first"])),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in GIVEN.items()],
        )
        assert cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        yield {
            (each["ResourceType"], each["LogicalResourceId"]): each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceType"]  # moto lists resources with a false condition, without a name
        }


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Template:
    """The same on the rehearsal's own model."""
    monkeypatch.setitem(PSEUDO, "AWS::AccountId", ACCOUNT)
    monkeypatch.setitem(PSEUDO, "AWS::Region", REGION)
    return Template(deployments()["first"], STACK, GIVEN)


def test_the_list_of_types_that_moto_lacks_is_exact():
    kinds = {each["Type"] for each in deployments()["first"]["Resources"].values()}
    assert {kind for kind in kinds if resource_class_from_type(kind) is None} == UNKNOWN.keys()


def test_moto_creates_supported_resources_under_the_names_that_the_model_computes(physical, model: Template):
    wanted = {(body["Type"], name) for name, body in model.resources().items() if body["Type"] not in UNKNOWN}
    assert physical.keys() == wanted
    for kind, logical_id in wanted:
        if (named := model.name(logical_id)) is not None:
            assert re.split(r"[/:]", physical[kind, logical_id])[-1] == re.split(r"[/:]", named[1])[-1]


def test_conditions_and_parameters_reach_functions_as_the_model_says(physical, model: Template):
    functions = [logical_id for kind, logical_id in physical if kind == "AWS::Lambda::Function"]
    assert len(functions) >= 15
    for logical_id in functions:
        wanted = model.properties(logical_id)
        made = client("lambda").get_function_configuration(FunctionName=wanted["FunctionName"])
        for name in ("Handler", "MemorySize", "Timeout", "Runtime", "Description"):
            assert made[name] == wanted[name], f"{logical_id}.{name}"
        variables = made["Environment"]["Variables"]
        assert variables.keys() == wanted["Environment"]["Variables"].keys()
        for name, value in wanted["Environment"]["Variables"].items():
            assert "<" in str(value) or str(variables[name]) == str(value), f"{logical_id}: {name}"


def test_tables_have_their_indexes_and_streams_and_queues_their_dead_letters(physical, model: Template):
    for kind, logical_id in physical:
        wanted = model.properties(logical_id)
        if kind == "AWS::DynamoDB::Table":
            table = client("dynamodb").describe_table(TableName=wanted["TableName"])["Table"]
            assert table["KeySchema"] == wanted["KeySchema"]
            indexes = [each["IndexName"] for each in wanted.get("GlobalSecondaryIndexes", [])]
            assert [each["IndexName"] for each in table.get("GlobalSecondaryIndexes", [])] == indexes
            assert ("StreamSpecification" in table) == ("StreamSpecification" in wanted)
        if kind == "AWS::SQS::Queue":
            sqs = client("sqs")
            url = sqs.get_queue_url(QueueName=wanted["QueueName"])["QueueUrl"]
            made = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            assert made["VisibilityTimeout"] == str(wanted["VisibilityTimeout"])
            assert ("RedrivePolicy" in made) == ("RedrivePolicy" in wanted), logical_id


def test_every_trigger_connects_an_existing_source_to_an_existing_function(physical):
    made = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert len(made) == len([kind for kind, _ in physical if kind == "AWS::Lambda::EventSourceMapping"])
    arns = {each["FunctionArn"] for each in client("lambda").list_functions()["Functions"]}
    assert {mapping["FunctionArn"] for mapping in made} <= arns
