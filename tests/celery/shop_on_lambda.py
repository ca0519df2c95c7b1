"""An application's tasks on its Lambda handler, and a stock client of it, on moto."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import boto3
import pytest
from celery import Celery, _state
from celery.exceptions import Ignore
from celery.signals import before_task_publish
from moto import mock_aws

from makertasks.contrib.celery import lambda_handler

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


class Killed(BaseException):
    """Lambda ends the function."""
