"""What `make deploy` compiles after SAM's build: each function's code once, and nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from infra import deploy, digest
from infra.local import packages

HERE = packages.Target("here", compiler=Path(sys.executable))


@pytest.fixture
def built(tmp_path):
    """A build of two functions with the same code, one with other code, and a layer."""
    folder = tmp_path / "build"
    for name, code in {"One": "kept = 1\n", "Two": "kept = 1\n", "Other": "kept = 2\n", "Layer": "kept = 3\n"}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "handler.py").write_text(code)
    source = tmp_path / "functions"
    source.mkdir()
    (source / "handler.py").write_text("kept = 4\n")
    functions = {name: {"CodeUri": name} for name in ("One", "Two", "Other")} | {"Source": {"CodeUri": "../functions"}}
    body = {
        "Globals": {"Function": {"CodeUri": "functions"}},  # SAM's build leaves it as it was, relative to the source
        "Resources": {
            **{name: {"Type": "AWS::Serverless::Function", "Properties": given} for name, given in functions.items()},
            "Layer": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "Layer"}},
        },
    }
    (folder / "template.yaml").write_text(json.dumps(body))
    return folder


def compiled(folder):
    return {path.relative_to(folder).parts[0]: path.read_bytes() for path in folder.rglob("*.pyc")}


def test_functions_with_the_same_code_are_compiled_once(built, monkeypatch):
    asked = []
    compile_code = packages.compile_code

    def noted(folder, target):
        asked.append(folder.name)
        compile_code(folder, target)

    monkeypatch.setattr(packages, "compile_code", noted)
    deploy.compile_functions(built / "template.yaml", HERE)
    assert asked == ["One", "Other"]
    bytecode = compiled(built)
    assert bytecode.keys() == {"One", "Two", "Other"}  # layers are compiled by their Makefiles
    assert bytecode["One"] == bytecode["Two"] != bytecode["Other"]


def test_only_the_builds_folders_are_changed_and_nothing_is_printed(built, capfd):
    deploy.compile_functions(built / "template.yaml", HERE)
    assert compiled(built.parent / "functions") == {}
    assert capfd.readouterr() == ("", "")


def test_a_functions_own_folder_takes_the_place_of_the_default(built):
    named = digest.folders(built / "template.yaml")
    assert {folder.name for folder in named} == {"One", "Two", "Other", "Layer", "functions"}
    assert all(folder.is_dir() for folder in named)
