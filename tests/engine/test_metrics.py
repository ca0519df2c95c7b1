"""What CloudWatch is told, read from the log lines as CloudWatch reads them."""

from __future__ import annotations

import json

import pytest
from aws_lambda_powertools.metrics.provider import cold_start
from lambda_queue import LambdaContext

from makertasks import tasks
from makertasks.tasks import task
from makertasks.worker import sweeping
from makertasks.worker.handler import lambda_handler
from sweeper import handler as sweeper
from task_events import handler as task_events
from tests.template import ROOT, resources

NAME = "inventory.tasks.generate_qr_code"


@pytest.fixture(autouse=True)
def service(monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "unit")


@pytest.fixture
def told(capsys):
    """Every metric written so far: {(dimensions, name): values}."""

    def read():
        found = {}
        for line in capsys.readouterr().out.splitlines():
            written = json.loads(line)
            for block in written.get("_aws", {}).get("CloudWatchMetrics", []):
                assert block["Namespace"] == "makertasks"
                dimensions = tuple(sorted(written[name] for name in block["Dimensions"][0]))
                for metric in block["Metrics"]:
                    found.setdefault((dimensions, metric["Name"]), []).extend(written[metric["Name"]])
        return found

    return read


def change(number, before, after):
    """One record of the tasks table's stream."""

    def image(status):
        return {"name": {"S": NAME}, "created": {"S": "2026-11-22T09:00:00.000000Z"}, "status": {"S": status}}

    images = {name: image(status) for name, status in (("OldImage", before), ("NewImage", after)) if status}
    return {"eventID": f"{number:032}", "eventName": "MODIFY", "dynamodb": {"Keys": {}, **images}}


def test_every_step_of_a_task_is_told_by_its_name(counters_table, told):
    lives = [
        (None, "PENDING"), ("PENDING", "STARTED"), ("STARTED", "RETRY"), ("RETRY", "STARTED"), ("STARTED", "SUCCESS"),
        (None, "PENDING"), ("PENDING", "STARTED"), ("STARTED", "FAILURE"),
        (None, "PENDING"), ("PENDING", "REVOKED"),
        ("SUCCESS", None),  # deleted: no step
    ]  # fmt: skip
    records = [change(number, *statuses) for number, statuses in enumerate(lives)]
    task_events.handler({"Records": records}, LambdaContext())
    of_task = ("inventory.tasks.generate_qr_code", "unit")
    expected = {
        "TaskSubmitted": [3], "TaskStarted": [3], "TaskRetried": [1], "TaskSucceeded": [1], "TaskFailed": [1],
        "TaskRevoked": [1],
    }  # fmt: skip
    written = told()
    assert {name: values for (dimensions, name), values in written.items() if dimensions == of_task} == expected
    # and of the stack as a whole, of which share fails: one of two
    assert written[("unit",), "Failed"] == [0, 1]


def test_a_sweep_tells_how_many_tasks_it_moved_on(tasks_table, counters_table, task_queues, told, monkeypatch):
    monkeypatch.setattr(sweeping, "sweep", lambda _seconds: sweeping.Swept(examined=9, requeued=2, given_up=1))
    sweeper.handler({}, LambdaContext(seconds=60))
    assert told() == {(("unit",), "StuckTasks"): [3]}


def test_a_worker_tells_of_cold_starts_delays_and_runtimes(tasks_table, task_queues, told, monkeypatch):
    monkeypatch.setattr(tasks, "_registry", dict(tasks._registry))
    cold_start.reset_cold_start_flag()  # other tests of this process have started a function before

    @task("unit.tasks.generate_qr_code")
    def nothing() -> None:
        """Do nothing."""

    record = {
        "messageId": "m-1", "receiptHandle": "-", "body": "{}", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:unit-tasks-generate_qr_code",
        "attributes": {"SentTimestamp": "1795345802436", "ApproximateReceiveCount": "1"}, "messageAttributes": {},
    }  # fmt: skip
    lambda_handler(nothing)({"Records": [record]}, LambdaContext())
    written = told()
    of_task = ("unit", "unit.tasks.generate_qr_code")
    assert {name for dimensions, name in written if dimensions == of_task} == {"Delivered", "QueueDelay", "Runtime"}
    assert [name for _, name in written if name == "ColdStart"]


def test_alarms_and_dashboard_ask_for_metrics_that_are_written():
    source = "".join(
        (ROOT / "layers/makertasks/python/makertasks" / name).read_text()
        for name in ("worker/metrics.py", "worker/handler.py")
    )
    asked = {
        body["Properties"]["MetricName"]
        for body in resources().values()
        if body["Type"] == "AWS::CloudWatch::Alarm" and body["Properties"]["Namespace"] == "makertasks"
    }
    dashboard = json.loads(resources()["Dashboard"]["Properties"]["DashboardBody"])
    for widget in dashboard["widgets"]:
        for (metric,) in widget["properties"].get("metrics", []):
            if "{makertasks" in metric["expression"]:
                asked.add(metric["expression"].partition('MetricName="')[2].partition('"')[0])
    assert len(asked) > 5
    assert not [name for name in asked if f'"{name}"' not in source]
