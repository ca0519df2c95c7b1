"""The result backend for Celery that also reads large results from the bucket."""

from __future__ import annotations

import boto3
import celery
import pytest
from celery import Celery
from celery.result import AsyncResult
from kombu.exceptions import DecodeError
from moto import mock_aws

from makertasks import wire
from makertasks.records import payloads

TABLE, LARGE = "unit-tasks", {"text": "x" * 500_000}
BACKEND = "makertasks.contrib.celery.reader:Reader+dynamodb://@us-east-1/unit-tasks"


@pytest.fixture
def app(monkeypatch):
    """A client's application, with the tasks table and the bucket."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
        "STACK_NAME": "unit", "TASKS_TABLE": TABLE, "MEDIA_BUCKET": "unit-media", "INVENTORY_TABLE": "unit-inventory",
        "COUNTERS_TABLE": "unit-counters",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        boto3.client("s3").create_bucket(Bucket="unit-media")
        yield Celery("client", broker="memory://", backend=BACKEND)


def stored(task_id, result):
    meta = wire.result_meta("SUCCESS", task_id=task_id, result=result)
    item = {"id": {"S": wire.result_key(task_id)}, "result": {"B": meta}, "timestamp": {"N": "1"}}
    boto3.client("dynamodb").put_item(TableName=TABLE, Item=item)


def test_a_result_in_the_bucket_is_read_like_any_other(app):
    stored("large", payloads.shown(payloads.store("large", "result", LARGE)))
    stored("small", {"makertasks": 5})
    assert AsyncResult("large", app=app).get(timeout=5) == LARGE
    assert AsyncResult("small", app=app).get(timeout=5) == {"makertasks": 5}


@pytest.mark.parametrize("backend", [BACKEND, "dynamodb://@us-east-1/unit-tasks"])
def test_a_compressed_result_is_read_by_celery_5_7_and_by_the_reader(app, backend):
    """Celery has result_compression since 5.7; no earlier stock backend decompresses."""
    compressed("compressed", LARGE)
    client = AsyncResult("compressed", app=Celery("client", broker="memory://", backend=backend))
    if backend != BACKEND and celery.VERSION < (5, 7):
        with pytest.raises(DecodeError):
            client.get(timeout=5)
    else:
        assert client.get(timeout=5) == LARGE


def compressed(task_id, result):
    meta = wire.result_meta("SUCCESS", task_id=task_id, result=result, is_compressed=True)
    item = {"id": {"S": wire.result_key(task_id)}, "result": {"B": meta}, "timestamp": {"N": "1"}}
    boto3.client("dynamodb").put_item(TableName=TABLE, Item=item)


def test_a_failure_is_raised_as_by_celerys_backend(app):
    meta = wire.result_meta("FAILURE", task_id="failed", error=ValueError("no"))
    item = {"id": {"S": wire.result_key("failed")}, "result": {"B": meta}, "timestamp": {"N": "1"}}
    boto3.client("dynamodb").put_item(TableName=TABLE, Item=item)
    with pytest.raises(ValueError, match="no"):
        AsyncResult("failed", app=app).get(timeout=5)
