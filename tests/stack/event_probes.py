"""What functions that uploads and streams invoke do, as probes of their roles (see probes.py)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from tests.stack.deliveries import short_name
from tests.stack.rights import Bench, Role
from uploads.handler import Upload


def counts_a_task(bench: Bench, role: Role) -> None:
    name = f"probe.{uuid.uuid4().hex}"
    image = {"name": {"S": name}, "created": {"S": "2026-11-22T09:00:00.000000Z"}, "status": {"S": "PENDING"}}
    for event in ("1", "2"):
        bench.invoke(role, {"Records": [stream_record(event.rjust(32, "0"), image)]})


def stream_record(event_id: str, image: dict[str, Any]) -> dict[str, Any]:
    changed = {"Keys": {}, "NewImage": image, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return {"eventID": event_id, "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": changed}


def forgets_payloads(bench: Bench, role: Role) -> None:
    """A record's objects in the bucket are deleted with it."""
    key = f"payloads/{uuid.uuid4().hex}/kwargs-1.json"
    bench.put_object(key, b"{}")
    old = TypeSerializer().serialize({"payloads": {"kwargs": {"key": key, "bytes": 2}}})["M"]
    removed = {"Keys": {}, "OldImage": old, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
    bench.invoke(role, {"Records": [{"eventID": "1" * 32, "eventName": "REMOVE", "dynamodb": removed}]})
    assert not bench.has_object(key)


def item_changed(bench: Bench) -> dict[str, Any]:
    """The stream's event for an item with an image URL."""
    item = {"owner": {"S": f"item#{bench.item()}"}, "image_url": {"S": "https://shop.example/a.png"}}
    return {"Records": [stream_record(uuid.uuid4().hex, item)]}


def queues_a_download(bench: Bench, role: Role) -> None:
    assert bench.invoke(role, item_changed(bench)) == {"batchItemFailures": []}


def posts_a_change_to_the_site(bench: Bench, role: Role) -> None:
    """A task's change becomes a task that posts it, because this test's stack has a site."""
    event = item_changed(bench)
    image = event["Records"][0]["dynamodb"]["NewImage"]
    image |= {"kind": {"S": "item"}, "image": {"S": "inventory/images/a.png"}, "image_version": {"N": "2"}}
    assert bench.invoke(role, event) == {"batchItemFailures": []}


def uploaded(bench: Bench, folder: str) -> dict[str, Any]:
    key = f"{folder}{uuid.uuid4()}"
    put = {"bucket": {"name": bench.stack.outputs["MediaBucketName"]}, "object": {"key": key, "eTag": "1", "size": 1}}
    return {"Records": [{"eventSource": "aws:s3", "s3": put}]}


def queues_an_import(bench: Bench, role: Role) -> None:
    assert bench.invoke(role, uploaded(bench, "imports/")) == {"queued": 1}


def queues_an_upload(bench: Bench, role: Role) -> None:
    assert bench.invoke(role, uploaded(bench, f"uploads/images/{bench.item()}/")) == {"queued": 1}


def records_an_unsent_message(bench: Bench, role: Role) -> None:
    """If a queue refuses the message, the record says so."""
    if short_name(role) == "uploads":
        event = uploaded(bench, "imports/")
        put = event["Records"][0]["s3"]
        key, etag = put["object"]["key"], put["object"]["eTag"]
        task_id = Upload(put["bucket"]["name"], key, etag, etag).task_id
    else:
        event = item_changed(bench)
        task_id = f"image-{event['Records'][0]['eventID']}"
    with role.denied(["sqs:SendMessage"], "arn:aws:sqs:*:*:*"):
        bench.stack.client("lambda").invoke(FunctionName=role.function, Payload=json.dumps(event))
    assert bench.record(task_id)["status"] == {"S": "FAILURE"}
