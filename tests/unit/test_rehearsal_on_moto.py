"""The transformed template on moto's CloudFormation, a second implementation: creation, update, removal."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudformation.parsing import resource_class_from_type

from tests.cloudformation import FIRST, SECOND, deployments

STACK, REGION = "makertasks-staging", "eu-central-1"
# What moto's CloudFormation does not know, and why the rehearsal can do without: everything else it creates here.
UNKNOWN = {
    "AWS::ApiGatewayV2::Api": "the local AWS makes it (tests/stack)",
    "AWS::ApiGatewayV2::Integration": "the local AWS makes it (tests/stack)",
    "AWS::ApiGatewayV2::Route": "the local AWS makes it (tests/stack)",
    "AWS::ApiGatewayV2::Stage": "the local AWS makes it (tests/stack)",
    "AWS::CloudWatch::Dashboard": "the local AWS makes it (tests/stack)",
    "AWS::CodeDeploy::Application": "made by SAM for gradual deployments (tests/unit/test_versions.py)",
    "AWS::CodeDeploy::DeploymentGroup": "made by SAM for gradual deployments (tests/unit/test_versions.py)",
    "AWS::Lambda::Alias": "made by SAM (tests/unit/test_versions.py)",
    "AWS::Logs::QueryDefinition": "cfn-lint checks it against AWS's schema (make check)",
}


def known_part(body: dict[str, Any]) -> dict[str, Any]:
    """A template without what moto does not know; an alias becomes its function, other references a text."""
    body = copy.deepcopy(body)
    unknown = {name for name, each in body["Resources"].items() if each["Type"] in UNKNOWN}
    body["Resources"] = {name: each for name, each in body["Resources"].items() if name not in unknown}
    body["Outputs"] = {}
    known: dict[str, Any] = _without(body, unknown)
    return known


def _without(node: Any, unknown: set[str]) -> Any:
    if isinstance(node, list):
        return [_without(each, unknown) for each in node if each not in unknown]
    if not isinstance(node, dict):
        return node
    if node.get("Ref") in unknown:
        name = node["Ref"]
        return {"Ref": name.removesuffix("Aliaslive")} if name.endswith("Aliaslive") else f"the-{name}"
    if node.get("Fn::GetAtt", [""])[0] in unknown:
        return "https://the-" + ".".join(node["Fn::GetAtt"])
    if isinstance(text := node.get("Fn::Sub"), str):
        for name in unknown:
            text = text.replace("${" + name, "${AWS::StackName" if text.find("${" + name + "}") >= 0 else "${!" + name)
        return {"Fn::Sub": text}
    return {key: _without(each, unknown) for key, each in node.items() if key != "DependsOn" or each not in unknown}


def test_the_list_of_unknown_types_is_right():
    kinds = {each["Type"] for each in deployments()["first"]["Resources"].values()}
    with pytest.warns(UserWarning, match="not supported"):
        assert {kind for kind in kinds if resource_class_from_type(kind) is None} == UNKNOWN.keys()
