"""template.yaml as data, for tests that use or check it. Intrinsic functions become their arguments."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):
    """Reads `!Ref x` as "x", `!Sub text` as the text, `!GetAtt a.b` as "a.b"."""


def _argument(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _argument)


def read(text: str) -> Any:
    """A template, or a part of one."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader's subclass


@cache
def template() -> dict[str, Any]:
    """The whole template."""
    loaded: dict[str, Any] = read((ROOT / "template.yaml").read_text())
    return loaded


def resources() -> dict[str, dict[str, Any]]:
    """Its resources by logical id."""
    return template()["Resources"]
