"""An application's tasks on its Lambda handler, with a stock client: what the client reads in edge cases."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import boto3
import pytest
from celery import Celery, _state, chord
from celery.exceptions import ChordError, Ignore, SoftTimeLimitExceeded
from celery.signals import before_task_publish
from moto import mock_aws

from makertasks import wire
from makertasks.contrib.celery import lambda_handler
from makertasks.contrib.celery.backend import RecordBackend
from makertasks.errors import MakertasksError
from makertasks.records import chords, lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status

QUEUE, TABLE = "unit-tasks-shop", "unit-tasks"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
    "STACK_NAME": "unit", "TASKS_TABLE": TABLE, "MEDIA_BUCKET": "unit-media", "INVENTORY_TABLE": "unit-inventory",
    "COUNTERS_TABLE": "unit-counters", "LAMBDA_TASK_ROOT": "",
}  # fmt: skip


@dataclass
class Lambda:
    """The context that Lambda passes to a handler."""

    aws_request_id: str = "request"
    function_name: str = "unit-shop"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:1:function:unit-shop"

    def get_remaining_time_in_millis(self):
        return 60_000


@dataclass
class Shop:
    """A stock client of an application, and the queue's function."""

    client: Celery
    url: str
    handler: object

    def work(self):
        """Deliver all messages until the queue is empty, as Lambda does."""
        while messages := self.received():
            for message in messages:
                self.deliver(message)

    def received(self):
        return (
            boto3.client("sqs")
            .receive_message(
                QueueUrl=self.url, AttributeNames=["All"], MessageAttributeNames=["All"], MaxNumberOfMessages=10
            )
            .get("Messages", [])
        )

    def deliver(self, message):
        """Deliver one message to the function; it returns to the queue if the function is lost."""
        handle = {"QueueUrl": self.url, "ReceiptHandle": message["ReceiptHandle"]}
        try:
            done = self.handler({"Records": [_record(message)]}, Lambda())
        except Killed:
            boto3.client("sqs").change_message_visibility(**handle, VisibilityTimeout=0)
            return
        if not done["batchItemFailures"]:
            boto3.client("sqs").delete_message(**handle)

    def meta(self, task_id):
        return self.client.backend.get_task_meta(task_id)


def _record(message):
    return {
        "messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"],
        "attributes": message["Attributes"], "messageAttributes": {}, "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:1:{QUEUE}", "awsRegion": "us-east-1",
    }  # fmt: skip


@pytest.fixture
def shop(monkeypatch, tmp_path):
    for name, value in (ENVIRONMENT | {"LAMBDA_TASK_ROOT": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    described = {"tasks": {name: {} for name in application().tasks if name.startswith("shop.")}, "schedules": []}
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/application.json").write_text(json.dumps(described))
    with mock_aws():
        yield from deployed()
    forget()


def deployed():
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    boto3.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("dynamodb").get_waiter("table_exists").wait(TableName=TABLE)
    forget()
    client = application()
    client.conf.update(
        broker_url="sqs://",
        broker_transport_options={"region": "us-east-1", "predefined_queues": {QUEUE: {"url": url}}},
        task_default_queue=QUEUE,
        result_backend=f"dynamodb://@us-east-1/{TABLE}",
        result_extended=True,
    )
    client.finalize()
    yield Shop(client, url, lambda_handler(application(), queue="shop"))


def forget():
    """Reset a worker's global state for the other tests of this process."""
    _state._set_task_join_will_block(False)
    for receiver in list(before_task_publish.receivers):
        before_task_publish.receivers.remove(receiver)
    before_task_publish.sender_receivers_cache.clear()


def application():
    app = Celery("shop", set_as_current=False)

    def task(**options):
        return app.task(shared=False, **options)

    @task(name="shop.add")
    def add(*numbers):
        return sum(numbers)

    @task(name="shop.total")
    def total(numbers):
        return sum(numbers)

    @task(name="shop.divide")
    def divide(dividend, divisor):
        return dividend / divisor

    @task(name="shop.gets", bind=True)
    def gets(self):
        return self.app.tasks["shop.add"].delay(1, 2).get(timeout=0.1)

    @task(name="shop.fails_by_hand", bind=True)
    def fails_by_hand(self):
        self.update_state(state="FAILURE", meta={"exc_type": "Odd", "exc_message": ["x"], "exc_module": "builtins"})
        raise Ignore

    @task(name="shop.sleeps", soft_time_limit=1)
    def sleeps():
        time.sleep(30)

    return app


def test_a_task_cannot_wait_for_another_tasks_result(shop):
    """As in a worker: the function would wait for a result that only another invocation can write."""
    result = shop.client.tasks["shop.gets"].delay()
    shop.work()
    meta = shop.meta(result.id)
    assert meta["status"] == "FAILURE"
    assert isinstance(meta["result"], RuntimeError)
    assert "Never call result.get() within a task" in str(meta["result"])


def test_a_failed_task_has_the_children_that_it_sent(shop):
    result = shop.client.tasks["shop.gets"].delay()
    shop.work()
    [child] = result.children
    assert shop.meta(child.id)["result"] == 3


def test_a_failure_that_the_task_stores_itself_is_kept_as_its_result(shop):
    result = shop.client.tasks["shop.fails_by_hand"].delay()
    shop.work()
    meta = shop.meta(result.id)
    assert (meta["status"], type(meta["result"]).__name__, meta["result"].args) == ("FAILURE", "Odd", ("x",))


def test_stamps_are_in_the_result(shop):
    signature = shop.client.tasks["shop.add"].s(1, 2)
    signature.stamp(customer="4711")
    result = signature.apply_async()
    shop.work()
    meta = shop.meta(result.id)
    assert (meta["stamped_headers"], meta["customer"]) == (["customer"], "4711")


def test_a_soft_time_limits_exception_has_no_arguments(shop):
    result = shop.client.tasks["shop.sleeps"].delay()
    shop.work()
    error = shop.meta(result.id)["result"]
    assert (type(error), error.args) == (SoftTimeLimitExceeded, ())


def test_steps_that_never_ran_are_failures_with_name_and_arguments(shop):
    divide, add = (shop.client.tasks[name] for name in ("shop.divide", "shop.add"))
    result = (divide.s(1, 0) | add.s(5) | add.s(6)).apply_async()
    shop.work()
    for step, arguments in ((result.parent, [5]), (result, [6])):
        meta = shop.meta(step.id)
        assert (meta["status"], meta["name"], meta["args"]) == ("FAILURE", "shop.add", arguments)
        assert isinstance(meta["result"], ZeroDivisionError)


def test_the_body_of_a_failed_chord_has_its_name_and_a_traceback(shop):
    divide, add = (shop.client.tasks[name] for name in ("shop.divide", "shop.add"))
    result = chord([divide.s(1, 0), add.s(1)], add.s()).apply_async()
    shop.work()
    meta = shop.meta(result.id)
    assert (meta["status"], meta["name"]) == ("FAILURE", "shop.add")
    assert isinstance(meta["result"], ChordError)
    assert "ZeroDivisionError" in meta["traceback"]


class Killed(BaseException):
    """Lambda ends the function."""


def sums(shop):
    """A chord of two parts: its body's result is 3."""
    add = shop.client.tasks["shop.add"]
    return chord([add.s(1), add.s(2)], add_all(shop)).apply_async()


def add_all(shop):
    return shop.client.tasks["shop.total"].s()


def test_a_chord_part_whose_function_is_lost_after_its_result_counts_on_redelivery(shop, monkeypatch):
    # given a chord, each of whose parts loses its function once, between its result and its chord
    result = sums(shop)
    counted, lost = chords.count, []

    def lose(group_id, task_id):
        if task_id not in lost:
            lost.append(task_id)
            raise Killed
        return counted(group_id, task_id)

    monkeypatch.setattr(chords, "count", lose)
    shop.work()

    # then its body runs once
    assert len(lost) == 2
    assert shop.meta(result.id)["result"] == 3


def test_a_redelivered_chord_part_counts_once(shop):
    # given a chord, of whose parts one comes three times before the other
    result = sums(shop)
    first, other = shop.received()
    for message in (first, first, first):
        shop.deliver(message)
    assert shop.meta(result.id)["status"] == "PENDING"

    # when the other one comes, then the body runs
    shop.deliver(other)
    shop.work()
    assert shop.meta(result.id)["result"] == 3


def test_the_body_of_a_chord_with_a_revoked_part_is_a_failure(shop):
    # given a chord, of whose parts one is revoked before its message comes
    result = sums(shop)
    part = result.parent.results[0].id
    lifecycle.close(
        records.new(wire.Message(part, "shop.add"), queue="shop"), Status.REVOKED, MakertasksError("revoked by ann")
    )
    shop.work()

    # then the body has failed, as with a worker
    meta = shop.meta(result.id)
    assert meta["status"] == "FAILURE"
    assert isinstance(meta["result"], ChordError)


def test_the_body_of_a_chord_with_an_expired_part_is_a_failure(shop):
    add = shop.client.tasks["shop.add"]
    result = chord([add.s(1).set(expires=0.001), add.s(2)], add_all(shop)).apply_async()
    time.sleep(0.01)
    shop.work()
    assert isinstance(shop.meta(result.id)["result"], ChordError)


def test_the_steps_after_a_task_that_was_lost_after_its_failure_are_failures(shop, monkeypatch):
    divide, add = (shop.client.tasks[name] for name in ("shop.divide", "shop.add"))
    result = (divide.s(1, 0) | add.s(5)).apply_async()
    closed, lost = RecordBackend._close, []

    def lose(self, task_id, *rest):
        if not lost:
            lost.append(task_id)
            raise Killed
        closed(self, task_id, *rest)

    monkeypatch.setattr(RecordBackend, "_close", lose)
    shop.work()
    assert lost == [result.id]
    assert isinstance(shop.meta(result.id)["result"], ZeroDivisionError)
