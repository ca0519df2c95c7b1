"""Lock files of layers are resolved by one command, for every supported Python and without the runtime's packages."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from infra import locks

LAYERS = sorted(path.parent for path in (locks.ROOT / "layers").glob("*/requirements.in"))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.name)
def test_a_layers_lock_file_has_hashes_and_no_package_of_the_runtime(layer):
    lines = (layer / "requirements.txt").read_text()
    pinned = set(re.findall(r"(?m)^([a-zA-Z0-9_.-]+)==", lines))
    left_out = {each for flag, each in pairwise(locks.command(layer)) if flag == "--no-emit-package"}
    assert "boto3" in left_out
    assert not pinned & left_out
    assert lines.count("--hash=sha256:") >= len(pinned)


def test_the_lock_command_uses_paths_relative_to_the_project():
    command = locks.command(locks.ROOT / "layers/pictures")
    assert command[-3:] == ["layers/pictures/requirements.in", "-o", "layers/pictures/requirements.txt"]


def test_make_lock_and_make_celery_app_use_it():
    for path in ("Makefile", "infra/new_application.py"):
        text = (locks.ROOT / path).read_text()
        assert re.search(r"infra\.locks|locks\.resolve", text), path
        assert "--no-emit-package" not in text, path


def test_unresolvable_requirements_are_reported(monkeypatch, capsys):
    monkeypatch.setattr(locks, "command", lambda _layer: ["sh", "-c", "echo 'no such version' >&2; exit 1"])
    assert locks.main([str(locks.ROOT / "layers/pictures")]) == 1
    assert "layers/pictures: no such version" in capsys.readouterr().err


def test_a_layer_without_requirements_is_skipped():
    assert locks.main([str(locks.ROOT / "layers/fonts")]) == 0
