"""AWS's limits for templates and their resources, checked on SAM's output.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html and those of each service.
Each limit is a function that names what exceeds it; a test shows that each detects an excess.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import deploy, parameters, restore, sizes
from infra.local.template import TEMPLATE
from tests.cloudformation import FIRST, deployments
from tests.cloudformation_template import Template

# The longest name of a stage's stack that is tested, and the longest region name.
STACK, REGION = "makertasks-staging-of-a-club", "ap-southeast-5"
ADDRESS = "https://" + "a" * 200
KEY = f"arn:aws-us-gov:kms:{REGION}:111122223333:key/{'0' * 36}"
REQUEST_BYTES, OBJECT_BYTES = 51_200, 460_800


def made() -> Template:
    """The template with long values and all optional resources."""
    options = {"KeyArn": KEY, "AlarmEmail": "ann@example.org", "MachineSignIn": "true", "SiteUrl": ADDRESS}
    return Template(deployments()["first"], STACK, {"FrontendUrl": ADDRESS, **FIRST, **options})


def size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())


def resolved(template: Template, logical_id: str) -> dict[str, Any]:
    """A resource's properties, with every reference as long as the stack's longest ARN."""
    template.physical = dict.fromkeys(template.body["Resources"], "arn:aws-us-gov:logs:ap-southeast-5:1" + "x" * 100)
    return template.properties(logical_id)


def too_many_resources(template: Template) -> Iterator[str]:
    if (number := len(template.body["Resources"])) > 500:
        yield f"{number} resources"


def too_many_outputs_or_parameters(template: Template) -> Iterator[str]:
    yield from (name for name in ("Outputs", "Parameters") if len(template.body[name]) > 200)


def too_large(template: Template) -> Iterator[str]:
    if size(template.body) > OBJECT_BYTES:
        yield "the template"


def long_names(template: Template) -> Iterator[str]:
    longest = {
        "AWS::Lambda::Function": 64, "AWS::S3::Bucket": 63, "AWS::SQS::Queue": 80, "AWS::Scheduler::ScheduleGroup": 64,
        "AWS::Cognito::UserPoolDomain": 63, "AWS::SNS::Topic": 256, "AWS::CloudWatch::Alarm": 255,
        "AWS::DynamoDB::Table": 255, "AWS::CloudWatch::Dashboard": 255, "AWS::Logs::LogGroup": 512,
    }  # fmt: skip
    for logical_id, body in template.resources().items():
        named = template.name(logical_id)
        if named and len(named[1]) > longest[body["Type"]]:
            yield named[1]


def large_policies(template: Template) -> Iterator[str]:
    """IAM counts without white space: 10,240 characters of all inline policies of a role, 6,144 of a managed one."""
    for logical_id, body in template.resources().items():
        properties = resolved(template, logical_id)
        if body["Type"] == "AWS::IAM::Role":
            inline = sum(size(each["PolicyDocument"]) for each in properties.get("Policies", []))
            if inline > 10_240 or len(properties.get("ManagedPolicyArns", [])) > 10:
                yield f"{logical_id}: {inline}"
        if body["Type"] == "AWS::IAM::ManagedPolicy" and size(properties["PolicyDocument"]) > 6_144:
            yield logical_id


def large_environments(template: Template) -> Iterator[str]:
    for logical_id, body in template.resources().items():
        if body["Type"] == "AWS::Lambda::Function":
            variables = resolved(template, logical_id)["Environment"]["Variables"]
            if size(variables) > 4_096:
                yield logical_id


def many_layers(template: Template) -> Iterator[str]:
    for logical_id, body in template.resources().items():
        if body["Type"] == "AWS::Lambda::Function" and len(body["Properties"].get("Layers", [])) > 5:
            yield logical_id


LIMITS = (
    too_many_resources, too_many_outputs_or_parameters, too_large, long_names, large_policies,
    large_environments, many_layers,
)  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.__name__)
def test_the_template_is_within_all_cloudformation_limits(limit: Callable[[Template], Iterator[str]]):
    assert list(limit(made())) == []


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_no_stages_stack_name_is_longer_than_the_one_tested_here(stage: str):
    assert len(parameters.configuration(stage)["stack_name"]) <= len(STACK)


def test_the_packaged_template_is_uploaded_because_it_exceeds_a_requests_limit():
    text = deployments()["packaged"].encode()
    assert REQUEST_BYTES < len(text) <= OBJECT_BYTES
    assert "--resolve-s3" in deploy.configured_options(parameters.configuration("prod"))


def test_the_import_template_fits_into_a_request():
    names = dict.fromkeys(restore.IDENTIFIERS, "x" * 63)
    assert len(json.dumps(restore.template(names)).encode()) <= REQUEST_BYTES


def test_function_sizes_stay_below_lambdas_limit():
    assert sizes.MOST_MEGABYTES * sizes.MEGABYTE <= 250 * 1024 * 1024


def test_a_function_above_the_bound_is_refused_with_its_heaviest_layer(tmp_path: Path):
    (tmp_path / "functions").mkdir()
    (tmp_path / "heavy").mkdir()
    with (tmp_path / "heavy/library.so").open("wb") as content:
        content.truncate(sizes.MOST_MEGABYTES * sizes.MEGABYTE + 1)
    function = {"CodeUri": "functions", "Layers": [{"Ref": "HeavyLayer"}]}
    body = {
        "HeavyLayer": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "heavy"}},
        "QrFunction": {"Type": "AWS::Serverless::Function", "Properties": function},
    }
    (tmp_path / TEMPLATE.name).write_text(json.dumps({"Resources": body}))
    with pytest.raises(sizes.TooLarge, match=r"QrFunction has .* HeavyLayer alone has 120"):
        sizes.measure(tmp_path / TEMPLATE.name)


# ── Each limit detects what exceeds it ────────────────────────────────────────────────────────────────────────────────


def add_queues(body: dict[str, Any]) -> None:
    body["Resources"].update({f"Queue{number}": {"Type": "AWS::SQS::Queue"} for number in range(500)})


def properties_of(body: dict[str, Any], logical_id: str) -> dict[str, Any]:
    found: dict[str, Any] = body["Resources"][logical_id]["Properties"]
    return found


def widen(body: dict[str, Any]) -> None:
    statement = properties_of(body, "ApiRole")["Policies"][0]["PolicyDocument"]["Statement"][0]
    statement["Resource"] = [{"Fn::GetAtt": ["TasksTable", "Arn"]}] * 80


BREAKS = {
    too_many_resources: add_queues,
    too_many_outputs_or_parameters: lambda body: body["Outputs"].update({f"O{n}": {"Value": "1"} for n in range(200)}),
    too_large: lambda body: body.update(Description="x" * 330_000),
    long_names: lambda body: properties_of(body, "MediaBucket").update(BucketName={"Fn::Sub": "${AWS::StackName}" * 3}),
    large_policies: widen,
    large_environments: lambda body: properties_of(body, "ApiFunction")["Environment"]["Variables"].update(
        A="x" * 3000
    ),
    many_layers: lambda body: properties_of(body, "ApiFunction")["Layers"].append({"Ref": "CardsLayer"}),
}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.__name__)
def test_a_template_above_a_limit_is_detected(limit: Callable[[Template], Iterator[str]]):
    broken = made()
    broken.body = copy.deepcopy(broken.body)
    BREAKS[limit](broken.body)
    assert list(limit(broken))
