"""Smoke test of a finished deployment: the API's health check, a page, and one task for a new item.

The item exists only for the test and is deleted afterwards, with its QR code. It does not appear in lists of items.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

TASK = "generate_qr_code"
TASK_SECONDS = 90
HTTP_SECONDS = 30
POLL_SECONDS = 1
TRIES = 5  # a new API's address resolves only after a few seconds
OK = 200


class Failed(Exception):
    """The deployment finished but does not work; the message says why."""


def test(outputs: Mapping[str, str]) -> None:
    """Request the health check and the first page, and run one task; raises Failed."""
    address = address_of(outputs)
    body = _get(f"{address}/v1/health")
    if json.loads(body or b"{}").get("status") != "ok":
        raise Failed(f"{address}/v1/health returned {body[:200]!r}")
    _get(f"{address}/signed-out")
    if is_paused(outputs):
        print(f"Queue {TASK} is paused, so no test task was run.")
    else:
        run_task(outputs)


def address_of(outputs: Mapping[str, str]) -> str:
    """Return the API's address; a local AWS serves the API at its own address."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    return f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/$default" if endpoint else outputs["ApiUrl"]


def is_paused(outputs: Mapping[str, str]) -> bool:
    """Return whether the queue of the test task is paused, which a deployment does not change. Raises Failed."""
    queue = f"{outputs['TasksTableName']}-{TASK}"
    try:
        pages = boto3.client("lambda").get_paginator("list_event_source_mappings").paginate()
        mappings = [mapping for page in pages for mapping in page["EventSourceMappings"]]
    except (ClientError, BotoCoreError) as error:
        raise Failed(f"the event source mappings could not be listed: {error}") from error
    found = [each for each in mappings if str(each.get("EventSourceArn", "")).endswith(f":{queue}")]
    if not found:
        raise Failed(f"queue {queue} has no event source mapping")
    return found[0].get("State") in {"Disabled", "Disabling"}


def run_task(outputs: Mapping[str, str]) -> None:
    """Send a message for a new item and wait until its task has succeeded; then delete the item. Raises Failed."""
    item_id = str(uuid.uuid4())
    stack = outputs["TasksTableName"].removesuffix("-tasks")
    key = {"owner": {"S": f"item#{item_id}"}, "entry": {"S": "item"}}
    dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")
    try:
        dynamodb.put_item(
            TableName=outputs["InventoryTableName"],
            Item={**key, "kind": {"S": "item"}, "name": {"S": "Deployment test"}},
        )
        url = sqs.get_queue_url(QueueName=f"{stack}-tasks-{TASK}")["QueueUrl"]
        sent = sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"item_id": item_id}))
        task_id = str(sent["MessageId"])
        record = _wait(outputs["TasksTableName"], task_id)
        status = record.get("status", {}).get("S", "not recorded")
        if status != "SUCCESS":
            raise Failed(f"test task {task_id} is {status} after {TASK_SECONDS} s; see its page")
    except (ClientError, BotoCoreError) as error:
        raise Failed(f"the test task could not be run: {error}") from error
    finally:
        _clean_up(outputs, key, item_id)


def _wait(table: str, task_id: str) -> dict[str, Any]:
    """Return a task's record once it is final, or after TASK_SECONDS in any state."""
    deadline = time.monotonic() + TASK_SECONDS
    while True:
        key = {"id": {"S": str(f"celery-task-meta-{task_id}".encode())}}
        record: dict[str, Any] = (
            boto3.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        )
        if record.get("status", {}).get("S") in {"SUCCESS", "FAILURE", "REVOKED"} or time.monotonic() > deadline:
            return record
        time.sleep(POLL_SECONDS)


def _clean_up(outputs: Mapping[str, str], key: Mapping[str, Any], item_id: str) -> None:
    """Delete the item and all versions of its QR code; raises Failed if AWS refuses."""
    s3, bucket = boto3.client("s3"), outputs["MediaBucketName"]
    try:
        boto3.client("dynamodb").delete_item(TableName=outputs["InventoryTableName"], Key=key)
        found = s3.list_object_versions(Bucket=bucket, Prefix=f"inventory/qrcodes/qr_{item_id}").get("Versions", [])
        for each in found:
            s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    except (ClientError, BotoCoreError) as error:
        raise Failed(f"the test item {item_id} could not be deleted: {error}") from error


def _get(address: str) -> bytes:
    """Return a response's body; raises Failed if its status is not 200 after TRIES."""
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(address, timeout=HTTP_SECONDS) as response:  # noqa: S310 - https, the stack's own
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            reason = f"{error.code} {error.read()[:200]!r}"
        except OSError as error:
            reason = str(error)
        if attempt + 1 < TRIES:
            time.sleep(POLL_SECONDS * (attempt + 1))
    raise Failed(f"{address} returned {reason}")
