"""A task's log lines are those with its id in the field, whatever other lines contain."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from makertasks import clock, settings
from makertasks.aws import log_events, session
from makertasks.monitoring import task_logs
from makertasks.records import table as records
from makertasks.submission import producer


@pytest.fixture
def log(echo):
    """The log of the echo task's function; `log.write(line, …)`, lines as values for JSON or as text."""
    logs = session.client("logs")
    group = f"/aws/lambda/{settings.stack()}-echo"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")

    def write(*lines):
        moment = int(clock.now().timestamp() * 1000)
        messages = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        events = [{"timestamp": moment, "message": message} for message in messages]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    echo.write = write
    return echo


def messages(task_id):
    return [line["message"] for line in task_logs.lines(records.get(task_id))["lines"]]


@pytest.mark.parametrize("task_id", ["a", "task", "a*", '"', "level", "94cb6421-7fa1-4dab-802f-ec76eba2bfe7", "é\\"])
def test_lines_of_other_tasks_are_not_shown_whatever_their_text(log, task_id):
    log.submit(task_id=task_id)
    log.write(
        {"task_id": task_id, "message": "mine"},
        {"task_id": f"{task_id}b", "message": "of a longer id"},
        {"task_id": "other", "message": f"the message names {task_id}", "item": task_id},
        {"message": f"nobody's, about {task_id}"},
        f'plain text with "task_id":"{task_id}"',
        json.dumps([task_id]),
        json.dumps(task_id),
    )
    assert messages(task_id) == ["mine"]


@pytest.mark.parametrize(
    ("task_id", "asked"),
    [
        ("94cb6421-7fa1-4dab-802f-ec76eba2bfe7", "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"),
        ("sweep:2026-11-22T09:30:00Z", "sweep:2026-11-22T09:30:00Z"),
        ('a" || $.level = "INFO', "a* * *.level * *INFO"),
        ("50%é\\", "50*"),
    ],
)
def test_the_cloudwatch_query_names_the_field(aws, monkeypatch, task_id, asked):
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    expected = {
        "logGroupName": "g",
        "filterPattern": f'{{ $.task_id = "{asked}" }}',
        "startTime": 1795305600000,
        "endTime": 1795305600000,
    }
    with Stubber(session.client("logs")) as stubber:
        stubber.add_response("filter_log_events", {}, expected)
        log_events.page("g", "task_id", task_id, moment, moment)
        stubber.assert_no_pending_responses()


def test_a_page_without_matching_log_lines_is_not_the_end(log, monkeypatch):
    # given
    log.submit(task_id="a")
    other = {"timestamp": 0, "message": json.dumps({"task_id": "b", "message": "other"})}
    mine = {"timestamp": 0, "message": json.dumps({"task_id": "a", "message": "mine"})}
    pages = iter([{"events": [other] * 500, "nextToken": "t"}, {"events": [other, mine]}])
    monkeypatch.setattr(log_events, "page", lambda *_: next(pages))
    # when
    found = task_logs.lines(records.get("a"))
    # then
    assert ([line["message"] for line in found["lines"]], found["complete"]) == (["mine"], True)


def test_a_task_without_a_log_has_no_lines(echo):
    producer.submit(producer.Submission("tests.echo", {"text": "x"}, task_id="a"))
    assert task_logs.lines(records.get("a")) == {"lines": [], "complete": True}
