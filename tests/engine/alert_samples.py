"""An alert, its receiver and a failure, for the tests of alerts."""

from __future__ import annotations

import pytest
from api_calls import Context as LambdaContext
from api_calls import call, pool, token  # noqa: F401 - a fixture

from alerts.handler import handler
from makertasks import wire
from makertasks.aws import functions
from makertasks.errors import PermanentError
from makertasks.monitoring import alerts
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from tests.webhook_receiver import webhook_receiver

LEAD_TIMES = "inventory.tasks.update_average_lead_times"

DOWNLOAD = "inventory.tasks.download_image_from_url"
SECRET = "/services/T0123/B4567/VeryS3cretTailwxyz"
ALL = list(alerts.KINDS)


@pytest.fixture
def receiver(tmp_path, monkeypatch):
    with webhook_receiver(tmp_path) as running:
        monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", running.host)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.certificate))
        yield running


@pytest.fixture(autouse=True)
def stack(aws, tasks_table, counters_table, task_queues, time_passes, monkeypatch):
    """Tables, queues, the topic and a group of schedules; functions are called here instead of by Lambda."""
    topic = aws.client("sns").create_topic(Name="unit-alerts")["TopicArn"]
    monkeypatch.setenv("ALERTS_TOPIC", topic)
    monkeypatch.setenv("ALERTS_FUNCTION", "the alias")
    aws.client("scheduler").create_schedule_group(Name="unit")
    monkeypatch.setattr(functions, "start", lambda name, payload: run(payload) if name == "the alias" else None)
    monkeypatch.setattr(functions, "call", lambda name, payload: run(payload) if name == "the alias" else None)
    return aws


def run(event=None):
    return handler(event or {}, LambdaContext())


def put(name="workshop", status=200, **body):
    given = {"form": "json", "kinds": ALL, **body}
    answer = call("PUT", f"/v1/alerts/{name}", body=given, bearer=token("operators"))
    assert answer[0] == status, answer
    return answer[1]


def shown(name="workshop"):
    return call("GET", f"/v1/alerts/{name}", bearer=token("viewers"))[1]


def fails(task_id="failed", error="image_url: the server answered 404"):
    record = records.new(wire.Message(task_id, DOWNLOAD, kwargs={}), queue="download_image_from_url")
    lifecycle.close(record, Status.FAILURE, PermanentError(error))
    stored = records.get(task_id)
    counting.count([counting.change_of(f"event-{task_id}", None, stored.attribute_values)])
    return stored.fingerprint
