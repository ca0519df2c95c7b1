"""Deployment as documented, with SAM itself, and two stages side by side; with small packages."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import sizes
from infra.local import archives, packages
from infra.local.connection import Connection
from infra.local.deploy import deploy
from infra.local.ministack import ROOT, MiniStack
from infra.local.template import TEMPLATE, load, resources
from tests import documentation

REGION = "eu-central-1"  # as in docs/deploying.md


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with MiniStack(tmp_path_factory.mktemp("deploy")) as started:
        yield started


# Parameters for a deployment to the local AWS, which has no saved queries and runs functions on this machine.
PROCESSOR = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64"}[platform.machine()]
HERE = f"SavedQueries=false Architecture={PROCESSOR}"


def typed(aws: MiniStack, line: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in this checkout with the local AWS as account; `answer` is its standard input."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "MAKERTASKS_TARGET": "here",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return subprocess.run(  # noqa: S603 - ours
        ["/bin/bash", "-euc", line],
        cwd=ROOT, env=environment, input=answer, capture_output=True, text=True, check=False,
    )  # fmt: skip


def documented(beginning: str) -> str:
    """The one command in docs/deploying.md that begins with this text."""
    [line] = [line for line in documentation.run_by("tests/stack/test_deploy.py") if line.startswith(beginning)]
    return line


# Resources whose names are scoped by another resource of the stack: a schedule, a user group, an API's stage.
WITHIN_ANOTHER = {
    "AWS::ApiGatewayV2::Stage",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::Scheduler::Schedule",
}


def names(account: Connection, stack: str) -> set[tuple[str, str]]:
    """Type and physical id of every resource in a stack that has its own name."""
    pages = account.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    own = [each for each in found if each["ResourceType"] not in WITHIN_ANOTHER]
    return {(each["ResourceType"], each["PhysicalResourceId"]) for each in own}


def test_a_stage_is_deployed_changed_protected_and_removed_as_documented(aws: MiniStack):
    account = Connection(aws.endpoint, REGION)
    cloudformation = account.client("cloudformation")

    # given an empty account, when prod is deployed without its required parameters, the error names them
    refused = typed(aws, "make deploy STAGE=prod")
    assert refused.returncode != 0
    assert "needs FrontendUrl: make deploy STAGE=prod FrontendUrl=https://" in refused.stderr

    # when it is deployed with them, the stack exists, and sizes and addresses are printed
    deployed = typed(aws, f"{documented('AWS_REGION=')} {HERE}")
    assert deployed.returncode == 0, deployed.stdout[-3000:] + deployed.stderr[-3000:]
    assert "MB with layers" in deployed.stdout
    assert "The API, a page and a task work." in deployed.stdout
    assert "ApiUrl" in deployed.stdout
    stack = cloudformation.describe_stacks(StackName="makertasks-prod")["Stacks"][0]
    assert stack["EnableTerminationProtection"]
    assert {"Key": "stage", "Value": "prod"} in stack["Tags"]
    assert (
        "LogicalResourceId/TasksTable"
        in cloudformation.get_stack_policy(StackName="makertasks-prod")["StackPolicyBody"]
    )
    [subscription] = account.client("sns").list_subscriptions()["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ann@example.org")

    # and its functions have the given architecture, with the layers that SAM built
    function = account.client("lambda").get_function_configuration(FunctionName="makertasks-prod-generate_qr_code")
    assert function["Architectures"] == [PROCESSOR]
    builds = [function["Environment"]["Variables"]["BUILD"]]
    assert {"makertasks", "aws", "qrcode"} <= {each["Arn"].split(":")[6].split("-")[-1] for each in function["Layers"]}

    # when some parameters are changed, the others stay as given before, and layers fit the same architecture
    changed = typed(aws, documented("make deploy "))
    assert changed.returncode == 0, changed.stdout[-3000:] + changed.stderr[-3000:]
    assert "The API, a page and a task work." in changed.stdout
    stack = cloudformation.describe_stacks(StackName="makertasks-prod")["Stacks"][0]
    given = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert (given["SuccessRetentionDays"], given["LeadTimesTimezone"]) == ("90", "Europe/Vienna")
    assert given["FrontendUrl"] == "https://inventory.example.org"
    function = account.client("lambda").get_function_configuration(FunctionName="makertasks-prod-generate_qr_code")
    assert function["Environment"]["Variables"]["RETENTION_DAYS_SUCCESS"] == "90"
    assert function["Architectures"] == [PROCESSOR]
    builds.append(function["Environment"]["Variables"]["BUILD"])
    assert len(set(builds)) == len(builds)

    # when a second stage is deployed beside it, the two share no name
    deploy(account, "makertasks-dev", {"SavedQueries": "false"})
    assert not names(account, "makertasks-prod") & names(account, "makertasks-dev")

    # when its removal is confirmed with a wrong name, nothing is removed
    destroy = documented("make destroy ")
    spared = typed(aws, destroy, answer="makertasks-prod\n")
    assert "nothing was removed" in spared.stderr
    assert names(account, "makertasks-dev")

    # when it is confirmed with the right name, the stack is removed, but not its data
    dynamodb = account.client("dynamodb")
    kept = {"id": {"S": "kept"}}
    dynamodb.put_item(TableName="makertasks-dev-tasks", Item=kept)
    removed = typed(aws, destroy, answer="makertasks-dev\n")
    assert removed.returncode == 0, removed.stderr
    assert "makertasks-dev-tasks" in dynamodb.list_tables()["TableNames"]

    # when it is deployed again, the deployment reports that data, and `make restore` restores it
    refused = typed(aws, "make deploy STAGE=dev")
    assert "make restore STAGE=dev" in refused.stderr
    restored = typed(aws, f"{documented('make restore ')} {HERE}")
    assert restored.returncode == 0, restored.stdout[-3000:] + restored.stderr[-3000:]
    assert dynamodb.get_item(TableName="makertasks-dev-tasks", Key=kept)["Item"] == kept
    assert "The API, a page and a task work." in restored.stdout


def test_an_unknown_stage_is_refused(aws: MiniStack):
    refused = typed(aws, "make deploy STAGE=production")
    assert refused.returncode != 0
    assert refused.stderr.startswith(
        "error: infra/samconfig.toml has no stage 'production'; choose one of dev, prod, staging\n"
    )


@pytest.mark.parametrize("architecture", packages.PROCESSORS)
@pytest.mark.parametrize("runtime", ["python3.13", "python3.14"])
def test_layers_are_built_for_every_runtime_and_both_architectures(runtime: str, architecture: str, tmp_path: Path):
    target = packages.Target.on_lambda(runtime, architecture)
    body = load(TEMPLATE)
    for _, properties in resources(body, "AWS::Serverless::LayerVersion"):
        folder = ROOT / properties["ContentUri"]
        packages.build_layer(folder, target, tmp_path / folder.name)
        properties["ContentUri"] = folder.name
    (tmp_path / "functions").symlink_to(ROOT / "functions")
    (tmp_path / "template.json").write_text(json.dumps(body))

    # each function with its layers stays below its limit
    found = sizes.measure(tmp_path / "template.json")
    assert len(found) == len(list(resources(body, "AWS::Serverless::Function")))

    # and compiled code is for that processor only
    compiled = {path.name for path in archives.files(tmp_path) if path.suffix == ".so"}
    other = {"arm64": "x86_64", "x86_64": "aarch64"}[architecture]
    assert compiled
    assert not [name for name in compiled if other in name]


def test_a_function_above_its_size_limit_is_refused(tmp_path: Path):
    (tmp_path / "functions").mkdir()
    (tmp_path / "layer").mkdir()
    with (tmp_path / "layer/model.bin").open("wb") as file:
        file.truncate(sizes.MOST_MEGABYTES * sizes.MEGABYTE + 1)
    layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layer"}}
    properties = {"CodeUri": "functions", "Layers": [{"Ref": "Model"}]}
    body = {"Resources": {"Model": layer, "Draw": {"Type": "AWS::Serverless::Function", "Properties": properties}}}
    (tmp_path / "template.json").write_text(json.dumps(body))
    with pytest.raises(sizes.TooLarge, match=r"Draw has 120 MB .* Model alone has 120"):
        sizes.measure(tmp_path / "template.json")
