"""The Python client before its first task: imports, names of tasks, configuration."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

import makertasks
from makertasks.client import configuration
from makertasks.client.results import AsyncResult
from makertasks.client.tasks import folders, get_task, task_names

QR = "inventory.tasks.generate_qr_code"


def test_every_task_can_be_imported_and_knows_its_arguments():
    assert "generate_qr_code" in folders()
    for name in folders():
        task = getattr(makertasks, name)
        assert task.name in task_names()
        assert list(inspect.signature(task).parameters) == list(task.definition.arguments.__struct_fields__)
        assert task.__doc__
    assert get_task(QR).folder == "generate_qr_code"


def test_calling_a_task_directly_and_importing_unknown_names_are_refused():
    with pytest.raises(TypeError, match="delay"):
        makertasks.generate_qr_code("x")
    with pytest.raises(AttributeError, match="the tasks are"):
        makertasks.generate_qr_codes  # noqa: B018 - asked for, and refused


def test_the_configuration_file_fills_in_what_the_environment_leaves_open(monkeypatch, tmp_path):
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "config.toml"))
    values = {"STACK_NAME": "prod", "TASKS_TABLE": "prod-tasks", "INVENTORY_TABLE": "i", "COUNTERS_TABLE": "c"}
    for name in (*values, "MEDIA_BUCKET"):
        monkeypatch.delenv(name)
    assert configuration.write(values | {"MEDIA_BUCKET": 'a "quoted" name'}).stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("COUNTERS_TABLE", "own")
    configuration.load()
    assert (os.environ["TASKS_TABLE"], os.environ["COUNTERS_TABLE"]) == ("prod-tasks", "own")
    assert os.environ["MEDIA_BUCKET"] == 'a "quoted" name'
    for name in values:  # so that monkeypatch puts back what was there
        monkeypatch.setenv(name, os.environ[name])


def test_without_configuration_the_error_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.delenv("TASKS_TABLE")
    configuration.load.cache_clear()
    with pytest.raises(configuration.NotConfigured, match="makertasks configure --stack NAME"):
        AsyncResult("x").status  # noqa: B018 - reading it asks


def test_importing_the_package_loads_nothing_and_takes_under_a_tenth_of_a_second():
    script = """
import sys, time
begun = time.process_time()  # its own cost, whatever else the machine does
import makertasks
taken = time.process_time() - begun
from makertasks import generate_qr_code, AsyncResult
heavy = {"boto3", "botocore", "pynamodb", "msgspec", "aws_lambda_powertools"} & set(sys.modules)
print(taken, sorted(heavy))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    best = 9.0
    for _ in range(5):
        ran = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        taken, _, heavy = ran.stdout.strip().partition(" ")
        assert heavy == "[]"
        best = min(best, float(taken))
    assert best < 0.1
