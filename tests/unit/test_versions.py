"""Versions and aliases in SAM's output: after a deployment, the changed code runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import digest
from infra.local.template import load
from tests.cloudformation import deployments, transformed

PARAMETERS = {"FrontendUrl": "https://inventory.example.org", "SuccessRetentionDays": "30"}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A small built template with a function and a layer; returns the template's path."""
    for name, text in {"functions/hello.py": "x = 1\n", "layer/python/shared.py": "y = 1\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    write(tmp_path, timeout=30)
    return tmp_path / "template.yaml"


def write(folder: Path, timeout: int) -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "functions", "Timeout": timeout}}
    layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layer"}}
    (folder / "template.yaml").write_text(json.dumps({"Resources": {"Hello": function, "Layer": layer}}))


def test_the_same_build_has_the_same_digest_on_any_machine(build: Path, tmp_path_factory: pytest.TempPathFactory):
    before = digest.of_build(build, PARAMETERS)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "build"
    build.parent.rename(elsewhere)
    assert digest.of_build(elsewhere / "template.yaml", PARAMETERS) == before


def test_computed_parameters_do_not_change_the_digest(build: Path):
    computed = dict.fromkeys(("Build", "DeletionProtection"), "true")
    assert digest.of_build(build, PARAMETERS | computed) == digest.of_build(build, PARAMETERS)


@pytest.mark.parametrize("changed", ["a layer's file", "the code", "a time-out", "a parameter", "after a rollback"])
def test_every_change_has_another_digest(build: Path, changed: str):
    before = digest.of_build(build, PARAMETERS)
    parameters, again = dict(PARAMETERS), ""
    if changed == "a layer's file":
        (build.parent / "layer/python/shared.py").write_text("y = 2\n")
    elif changed == "the code":
        (build.parent / "functions/hello.py").write_text("x = 2\n")
    elif changed == "a time-out":
        write(build.parent, timeout=31)
    elif changed == "a parameter":
        parameters["SuccessRetentionDays"] = "90"
    else:
        again = "hello:7"
    assert digest.of_build(build, parameters, again) != before


def of_type(made: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: body for name, body in made["Resources"].items() if body["Type"] == kind}


def versions(made: dict[str, Any]) -> set[str]:
    return set(of_type(made, "AWS::Lambda::Version"))


def test_each_function_gets_a_new_version_exactly_where_the_digest_changed():
    first, same, other = (deployments()[each] for each in ("first", "same", "second"))

    assert versions(first) == versions(same)
    assert not versions(first) & versions(other)
    functions = of_type(first, "AWS::Lambda::Function")
    assert len(versions(first)) == len(functions)
    # Lambda publishes no version if code and configuration are unchanged, so the configuration must differ, too.
    for name, function in of_type(other, "AWS::Lambda::Function").items():
        assert function["Properties"]["Description"] != functions[name]["Properties"]["Description"]
        assert function["Properties"]["Environment"]["Variables"]["BUILD"] == {"Ref": "Build"}


def test_without_the_digest_a_changed_layer_or_time_out_is_not_published():
    """Why the digest is needed: SAM's versions otherwise follow only the code's location and the environment."""
    template, other = load(), load()
    for body in (*template["Resources"].values(), *other["Resources"].values()):
        body.get("Properties", {}).pop("AutoPublishCodeSha256", None)
    other["Resources"]["ApiFunction"]["Properties"]["Timeout"] = 28
    other["Resources"]["MakertasksLayer"]["Properties"]["Description"] = "another layer"
    made = transformed((template, [{}]), (other, [{"SuccessRetentionDays": "90"}]))
    [before], [after] = (each["transformed"] for each in made)
    assert versions(before) == versions(after)


def test_every_invocation_of_a_function_uses_its_alias():
    made = deployments()["first"]
    functions, aliases = of_type(made, "AWS::Lambda::Function"), of_type(made, "AWS::Lambda::Alias")
    assert {f"{name}Aliaslive" for name in functions} == aliases.keys()
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"):
        for name, body in of_type(made, kind).items():
            assert body["Properties"]["FunctionName"].get("Ref") in aliases, name
    text = json.dumps(made)
    for name in functions:
        assert not re.search(rf"function:{name}\b", text)
        assert f'["{name}", "Arn"]' not in text


def test_a_gradual_deployment_rolls_back_on_this_stacks_alarms_and_an_immediate_one_ignores_alarms():
    made = deployments()["first"]
    alarms = of_type(made, "AWS::CloudWatch::Alarm")
    for alias in of_type(made, "AWS::Lambda::Alias").values():
        group = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"]
        properties = made["Resources"][group]["Properties"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]
        condition, gradual, at_once = properties["AlarmConfiguration"]["Fn::If"]
        assert condition == "IsGradual"
        assert at_once == {}
        for alarm in gradual["Alarms"]:
            assert alarms[alarm["Name"]["Ref"]]["Properties"]["Dimensions"], "an alarm on the whole account"
    assert made["Parameters"]["DeploymentType"]["Default"] == "AllAtOnce"


def test_functions_that_send_to_their_own_kind_of_queue_are_not_stopped_by_loop_detection():
    """Lambda drops a message into the dead letters after about 16 rounds of SQS and one function.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    made = deployments()["first"]
    queues = of_type(made, "AWS::SQS::Queue")
    fed = {
        body["Properties"]["FunctionName"]["Ref"].removesuffix("Aliaslive")
        for body in of_type(made, "AWS::Lambda::EventSourceMapping").values()
        if (queue := body["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]) in queues
        and "-tasks-" in json.dumps(queues[queue]["Properties"]["QueueName"])
    }
    assert len(fed) >= 9
    for name in fed:
        assert made["Resources"][name]["Properties"]["RecursiveLoop"] == "Allow", name


def test_an_unprocessable_stream_record_blocks_its_shard_only_briefly():
    """Lambda's default is to repeat a batch until its records expire, which takes a day."""
    made = deployments()["first"]
    streams = [
        body["Properties"]
        for body in of_type(made, "AWS::Lambda::EventSourceMapping").values()
        if "StreamArn" in json.dumps(body["Properties"]["EventSourceArn"])
    ]
    assert len(streams) >= 2
    for properties in streams:
        assert properties["BisectBatchOnFunctionError"] is True
        assert 1 <= properties["MaximumRetryAttempts"] <= 100
