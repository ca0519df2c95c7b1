"""What stock Celery clients and workers read and write in the tasks table, and how odd ids are handled."""

from __future__ import annotations

import base64
import json
import time

import boto3
import pytest
from echo_task import NAME

from makertasks import settings, wire
from makertasks.aws import queues
from makertasks.monitoring import listing, views
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status


def test_celery_clients_read_back_the_arguments_they_sent(echo):
    echo.queue.send(wire.encode(wire.Message("sent", NAME, ["a"]), "echo"))
    echo.queue.deliver()
    seen = echo.result("sent")
    assert (seen["args"], seen["kwargs"], seen["queue"]) == (["a"], {}, queues.name_of("echo"))


def test_a_task_with_a_too_long_id_fails_under_that_id(echo):
    long = "i" * 300
    body = json.loads(base64.b64decode(wire.encode(wire.Message("short", NAME, ["a"]), "echo")))
    body["headers"]["id"] = long
    echo.queue.send(json.dumps(body))
    assert echo.queue.deliver() == []
    assert (echo.record(long).status, echo.calls) == (Status.FAILURE, [])


def test_a_used_id_with_other_arguments_is_recorded_as_a_separate_failure(echo, counters_table):
    for text in ("first", "first", "second"):
        echo.queue.send(wire.encode(wire.Message("used", NAME, [text]), "echo"))
        echo.queue.deliver()
    assert echo.calls == ["first"]
    assert echo.record("used").status == Status.SUCCESS
    failed = listing.page(listing.Filter(status="FAILURE"), names=[NAME]).records
    assert [(each.error_type, each.kwargs) for each in failed] == [("IdReused", {"text": "second"})]


@pytest.mark.parametrize("state", ["PROGRESS", "RECEIVED", "WEIRD ü"])
def test_an_unknown_state_is_shown_unchanged(echo, state):
    stock = wire.result_meta(state, task_id="stock", result={"current": 1}, name=NAME)
    connection = boto3.client("dynamodb", region_name="us-east-1")
    item = {"id": {"S": wire.result_key("stock")}, "result": {"B": stock}, "timestamp": {"N": "1"}}
    connection.put_item(TableName=settings.tasks_table(), Item=item)
    assert views.detail(records.get("stock"))["status"] == state
    assert not records.get("stock").is_final


def test_a_custom_state_is_visible_while_the_task_runs_and_replaced_by_the_next_status(echo, counters_table):
    task_id = echo.submit()
    record = records.get(task_id)
    claimed = lifecycle.claim(record, "shop@1", time.time() + 60)
    assert lifecycle.show_state(claimed, "PROGRESS", {"current": 1})
    for wanted in (
        listing.Filter(status="PROGRESS"),
        listing.Filter(status="STARTED"),
        listing.Filter(q="state:progress"),
    ):
        [found] = listing.page(wanted, names=[NAME]).records
        assert views.summary(found)["status"] == "PROGRESS"
    assert lifecycle.succeed(claimed, None)
    assert views.summary(records.get(task_id))["status"] == "SUCCESS"
    assert listing.page(listing.Filter(status="PROGRESS"), names=[NAME]).records == []
