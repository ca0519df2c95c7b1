"""Changes to the template for the local AWS: exactly the documented ones."""

from __future__ import annotations

import copy
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra.local import deploy, packages
from infra.local.template import TEMPLATE, load
from tests.template import ROOT


@pytest.fixture(scope="module")
def launcher() -> ModuleType:
    """The launcher as a module; otherwise it runs as a program in the local AWS's interpreter."""
    spec = importlib.util.spec_from_file_location("launcher", ROOT / "infra/local/launcher.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differences(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """The names of all removed or changed properties; `Alias` if an alias was replaced by its function."""
    if isinstance(before, dict) and str(before.get("Ref", "")).endswith(".Alias"):
        function = before["Ref"].removesuffix(".Alias")
        yield "Alias" if after == {"Fn::GetAtt": [function, "Arn"]} else where
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from after.keys() - before.keys()
        for name, value in before.items():
            yield from differences(value, after[name], name) if name in after else [name]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for each, other in zip(before, after, strict=True):
            yield from differences(each, other, where)
    elif before != after:
        yield where


def test_only_the_documented_properties_are_changed_locally(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch):
    # given the template as deployed locally, apart from its packages
    for kind in ("layer_zip", "code_zip"):
        monkeypatch.setattr(packages, kind, lambda folder, _target: Path(f"{folder.name}.zip"))
    template = load()
    changed = copy.deepcopy(template)
    deploy._replace_folders(changed, TEMPLATE.parent)
    changed = launcher.without_aliases(changed)

    # then exactly the differences in docs/deploying.md exist, each with an existing test
    table = (
        (ROOT / "docs/deploying.md").read_text().partition("## What differs on the local AWS")[2].partition("\n## ")[0]
    )
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| `")]
    listed = {name.lstrip("….") for row in rows for name in re.findall(r"`([^`]+)`", row[1])}
    assert set(differences(template, changed)) == listed
    assert listed >= launcher.LEFT_OUT
    for row in rows:
        for test in re.findall(r"`(tests/[^`]+)`", row[3]):
            assert (ROOT / test).is_file(), test


def test_an_unlisted_change_is_detected():
    before = {"Resources": {"A": {"Timeout": 3, "Layers": [{"Ref": "B"}]}}}
    after = {"Resources": {"A": {"Timeout": 4, "Layers": [{"Ref": "C"}], "New": 1}}}
    assert set(differences(before, after)) == {"Timeout", "Ref", "New"}
