"""Reads template.yaml as a Python value, in CloudFormation's long form: `!Ref a` becomes `{"Ref": "a"}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from infra.local.errors import DeployFailed

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C one is ten times faster
    """Reads YAML as CloudFormation does: its tags are functions, and dates are text (`Version: 2012-10-17`)."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct_function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix in {"Ref", "Condition"}:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _construct_function)


def load(path: Path = TEMPLATE) -> dict[str, Any]:
    """Return a template with its functions in long form; raises DeployFailed if it is missing or not YAML."""
    try:
        template: dict[str, Any] = json.loads(_as_json(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise DeployFailed(f"{path} does not exist") from error
    except yaml.YAMLError as error:
        raise DeployFailed(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    return template


@lru_cache(8)
def _as_json(text: str) -> str:
    """Parse YAML once per text and return it as JSON, which is parsed much faster; each caller gets its own value."""
    return json.dumps(yaml.load(text, _Loader))  # noqa: S506  # a SafeLoader


def resources(template: dict[str, Any], *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield logical id and properties of each resource of these types."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] in kinds:
            yield logical_id, resource.setdefault("Properties", {})


def parameter_default(name: str, path: Path = TEMPLATE) -> str:
    """Return the default of a template's parameter; raises DeployFailed if there is none."""
    parameter = load(path).get("Parameters", {}).get(name, {})
    if "Default" not in parameter:
        raise DeployFailed(f"{path.name} has no parameter {name} with a default")
    return str(parameter["Default"])
