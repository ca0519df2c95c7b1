"""Test events for the console, `sam local invoke` and `sam remote invoke`: one valid event per function."""

from __future__ import annotations

import json
import re

import pytest

from infra import examples
from makertasks import tasks
from tests.template import ROOT, resources

EVENTS = ROOT / "infra/events"
FUNCTIONS = {
    body["Properties"]["FunctionName"].rpartition("-")[2]: body["Properties"]
    for body in resources().values()
    if body["Type"] == "AWS::Serverless::Function"
}


def test_each_function_has_a_test_event():
    assert {path.stem for path in EVENTS.iterdir()} == FUNCTIONS.keys()


def test_a_tasks_event_is_the_example_of_its_declaration(monkeypatch):
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(ROOT / "functions"))
    assert {path: path.read_text() for path in examples.texts()} == examples.texts(), "run: make events"
    assert {path.stem for path in examples.texts()} == {task.short_name for task in tasks.discover().values()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_test_event_matches_its_functions_trigger(name, monkeypatch):
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(ROOT / "functions"))
    event = json.loads((EVENTS / f"{name}.json").read_text())
    known = {task.short_name: task for task in tasks.discover().values()}
    if name in known:
        known[name].bind((), event)
    triggers = {trigger["Type"] for trigger in FUNCTIONS[name].get("Events", {}).values()}
    sources = {record["eventSource"] for record in event.get("Records", [])}
    assert sources <= {"aws:s3", "aws:sqs", "aws:dynamodb"}
    if "DynamoDB" in triggers:
        assert sources == {"aws:dynamodb"}


def test_invoking_a_function_without_its_alias_asks_for_the_alias():
    """Without an alias Lambda runs $LATEST, which neither a rollback nor a gradual deployment changes."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    commands = [
        command
        for page in pages
        for command in page.read_text().replace("\\\n", " ").splitlines()
        if re.match(r"\s*(sam remote invoke|aws lambda invoke)", command)
    ]
    assert commands
    for command in commands:
        assert re.search(r"Qualifier=live|--qualifier live|:live\b", command), command
