"""Metrics, read from the log lines as CloudWatch reads them."""

from __future__ import annotations

import json
import re

import pytest
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from lambda_queue import LambdaContext

from makertasks import clock, tasks
from makertasks.monitoring import queues
from makertasks.tasks import task
from makertasks.worker import metrics, sweeping
from makertasks.worker.handler import lambda_handler
from sweeper import handler as sweeper
from task_events import handler as task_events
from tests.template import ROOT, resources

NAME = "inventory.tasks.generate_qr_code"


@pytest.fixture(autouse=True)
def service(monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "unit")


@pytest.fixture
def lines(capsys):
    """Every log line written so far."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics_in(lines):
    """Every metric in the lines: {(dimensions, name): values}."""
    found = {}
    for written in lines:
        for block in written.get("_aws", {}).get("CloudWatchMetrics", []):
            assert block["Namespace"] == "makertasks"
            dimensions = tuple(sorted(written[name] for name in block["Dimensions"][0]))
            for metric in block["Metrics"]:
                found.setdefault((dimensions, metric["Name"]), []).extend(written[metric["Name"]])
    return found


def change(number, before, after):
    """One record of the tasks table's stream."""

    def image(status):
        return {"name": {"S": NAME}, "created": {"S": "2026-11-22T09:00:00.000000Z"}, "status": {"S": status}}

    images = {name: image(status) for name, status in (("OldImage", before), ("NewImage", after)) if status}
    return {"eventID": f"{number:032}", "eventName": "MODIFY", "dynamodb": {"Keys": {}, **images}}


def test_every_step_of_a_task_is_logged_by_its_name_and_the_share_that_fails_is_a_metric(counters_table, lines, caplog):
    # given the lives of three tasks, two of which finished
    lives = [
        (None, "PENDING"), ("PENDING", "STARTED"), ("STARTED", "RETRY"), ("RETRY", "STARTED"), ("STARTED", "SUCCESS"),
        (None, "PENDING"), ("PENDING", "STARTED"), ("STARTED", "FAILURE"),
        (None, "PENDING"), ("PENDING", "REVOKED"),
        ("SUCCESS", None),  # deleted: no step
    ]  # fmt: skip
    records = [change(number, *statuses) for number, statuses in enumerate(lives)]
    for record, runtime in ((records[4], "1.5"), (records[7], "0.5")):
        record["dynamodb"]["NewImage"]["runtime"] = {"N": runtime}
    # when they are counted
    task_events.handler({"Records": records}, LambdaContext())
    # then one line has the steps, and the runtimes of the finished tasks
    [steps] = [vars(line) for line in caplog.records if line.getMessage() == "task steps"]
    expected = {
        "task_name": NAME, "submitted": 3, "started": 3, "retried": 1, "succeeded": 1, "failed": 1, "revoked": 1,
        "runtime_sum": 2.0, "runtime_max": 1.5,
    }  # fmt: skip
    assert {name: steps[name] for name in expected} == expected
    # one of the two finished tasks failed; nothing else writes a metric
    assert metrics_in(lines()) == {(("unit",), "Failed"): [0, 1]}


@pytest.mark.parametrize(
    ("identity", "is_expired"),
    [
        # as AWS documents it: docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
        ({"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}, True),
        ({"userIdentity": {"type": "Service", "principalId": "somebody-else.amazonaws.com"}}, False),
        ({"userIdentity": None}, False),
        ({}, False),  # deleted by a person
    ],
)
def test_a_task_that_dynamodb_expired_is_distinguished_from_a_deleted_one(identity, is_expired):
    record = DynamoDBRecord({**change(1, "SUCCESS", None), "eventName": "REMOVE", **identity})
    assert task_events.change_of(record).expired is is_expired


def test_a_sweep_reports_stuck_and_waiting_tasks(tasks_table, counters_table, task_queues, lines, monkeypatch):
    monkeypatch.setattr(sweeping, "sweep", lambda _seconds: sweeping.Swept(examined=9, requeued=2, given_up=1))
    monkeypatch.setattr(queues, "oldest_waiting", lambda: {"a": 1801.0, "b": 7200.0, "c": 1799.0})
    sweeper.handler({}, LambdaContext(seconds=60))
    assert metrics_in(lines()) == {(("unit",), "StuckTasks"): [3], (("unit",), "WaitingTooLong"): [2]}


def test_a_sweep_that_finds_nothing_writes_no_metric(tasks_table, counters_table, task_queues, lines):
    sweeper.handler({}, LambdaContext(seconds=60))
    assert metrics_in(lines()) == {}


def test_a_worker_logs_delays_and_runtimes_and_writes_no_metric(tasks_table, task_queues, lines, caplog, monkeypatch):
    monkeypatch.setattr(tasks, "_registry", dict(tasks._registry))

    @task("unit.tasks.generate_qr_code")
    def nothing() -> None:
        """Do nothing."""

    # given a message that has waited for five seconds
    sent = str(round(1000 * clock.now().timestamp()) - 5000)
    record = {
        "messageId": "m-1", "receiptHandle": "-", "body": "{}", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:unit-tasks-generate_qr_code",
        "attributes": {"SentTimestamp": sent, "ApproximateReceiveCount": "1"}, "messageAttributes": {},
    }  # fmt: skip
    # when its task has run
    lambda_handler(nothing)({"Records": [record]}, LambdaContext())
    # then its line has the delay and the runtime
    [timed] = [line for line in caplog.records if line.getMessage() == "task ended"]
    assert timed.status == "SUCCESS"
    assert timed.runtime >= 0
    assert timed.queue_delay >= 5
    assert metrics_in(lines()) == {}


def dashboard():
    return json.loads(resources()["Dashboard"]["Properties"]["DashboardBody"])["widgets"]


def test_alarms_and_dashboard_ask_for_metrics_that_are_written():
    source = (ROOT / "layers/makertasks/python/makertasks/worker/metrics.py").read_text()
    asked = {
        body["Properties"]["MetricName"]
        for body in resources().values()
        if body["Type"] == "AWS::CloudWatch::Alarm" and body["Properties"]["Namespace"] == "makertasks"
    }
    for widget in dashboard():
        asked |= {each[1] for each in widget["properties"].get("metrics", []) if each[0] == "makertasks"}
    assert asked == {"Failed", "StuckTasks", "WaitingTooLong"}
    assert not [name for name in asked if f'"{name}"' not in source]


def test_the_cloudwatch_dashboard_uses_logged_fields():
    queries = [widget["properties"]["query"] for widget in dashboard() if widget["type"] == "log"]
    summed = {name for query in queries for name in re.findall(r"(?:sum|max)\((\w+)\)", query)}
    assert summed == {"submitted", *metrics.STEPS.values(), "runtime_sum", "runtime_max"}
    assert all('filter message = "task steps"' in query for query in queries)
