"""What probes pass to functions: messages as Lambda delivers them, records, arguments and files."""

from __future__ import annotations

import importlib
import io
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image

from makertasks import clock, wire
from makertasks.tasks import Task
from tests.stack.rights import Bench, Role

Probe = Callable[[Bench, Role], None]

QR_CODE = "inventory.tasks.generate_qr_code"


def short_name(role: Role) -> str:
    return role.function.rpartition("-")[2]


def full_name(role: Role) -> str:
    return declared(role).name


def declared(role: Role) -> Task:
    """The task that a role's function runs."""
    name = short_name(role)
    task: Task = getattr(importlib.import_module(f"{name}.handler"), name)
    return task


def arguments(bench: Bench, role: Role) -> dict[str, Any]:
    """Arguments with which a task succeeds: its declared example, for an existing item."""
    name = short_name(role)
    if name == "bulk_action":
        return {"action": "delete", "where": {"item_id": bench.item()}, "arguments": {}, "who": "probe"}
    if name in ("import_dump", "attach_upload"):
        return {"key": dump(bench) if name == "import_dump" else upload(bench, bench.item())}
    if name == "push_to_site":
        return {"changes": [a_change(bench)]}
    if name == "generate_index_cards":
        return {"item_ids": [bench.item()]}
    if name == "download_image_from_url":
        return {"item_id": bench.item(), "image_url": image_url(bench)}
    task = declared(role)
    return {**(task.example or {}), **{argument: bench.item() for argument in task.item_arguments}}


def a_change(bench: Bench) -> dict[str, Any]:
    """The message to the site about an item's new image."""
    key = f"inventory/images/{uuid.uuid4()}.png"
    bench.put_object(key, picture(), "image/png")
    attributes = {"image": {"value": key, "version": 1}}
    return {"model": "inventory.inventoryitem", "pk": str(uuid.uuid4()), "attributes": attributes}


def deliver(
    bench: Bench, role: Role, kwargs: dict[str, Any], *, ends_as: str = "SUCCESS", received: int = 1, **fields: Any
) -> dict[str, Any]:
    """Deliver a message to the function as Lambda does, and check the task's status; return its result."""
    fields = {"task_id": str(uuid.uuid4())} | fields
    attributes = {"SentTimestamp": str(int(time.time() * 1000)), "ApproximateReceiveCount": str(received)}
    message = {"MessageId": fields["task_id"], "ReceiptHandle": "-", "Attributes": attributes}
    event = sqs_record(message | {"Body": body_of(role, kwargs, **fields)})
    assert bench.invoke(role, {"Records": [event]}) == {"batchItemFailures": []}
    record = bench.record(fields["task_id"])
    assert record["status"] == {"S": ends_as}, record
    outcome: dict[str, Any] = wire.parse_result_meta(record["result"]["B"])["result"] if ends_as == "SUCCESS" else {}
    return outcome


def body_of(role: Role, kwargs: dict[str, Any], **fields: Any) -> str:
    return wire.encode(wire.Message(name=full_name(role), kwargs=kwargs, **fields), "probe")


def waiting(bench: Bench, role: Role, wait: timedelta, **kwargs: Any) -> str:
    """Make a new task wait for its second attempt; return its id."""
    task_id = str(uuid.uuid4())
    later = clock.text(datetime.now(UTC) + wait)
    put_record(bench, task_id, full_name(role), status="RETRY", retry_at=later, kwargs=kwargs)
    return task_id


def put_record(bench: Bench, task_id: str, name: str, **attributes: Any) -> None:
    """The record of an unfinished task."""
    moment = clock.text(datetime.now(UTC))
    first = {"created": moment, "status_key": "ACTIVE#0", "name_key": f"{name}#{moment[:13]}", "attempt": 1}
    both = {"id": wire.result_key(task_id), "result": b"{}", "timestamp": 1, "name": name, "kwargs": {}}
    bench.put("tasks", both | first | attributes)


def sqs_record(message: dict[str, Any], queue: str = "makertasks-tasks-any") -> dict[str, Any]:
    """A message in the form that Lambda gives it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": "-",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:region:account:{queue}",
        "awsRegion": "us-east-1",
    }


def received(bench: Bench, queue: str, is_it: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
    """Return a message once it arrives; skip others, which other probes send."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        got = bench.stack.client("sqs").receive_message(
            QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10, AttributeNames=["All"]
        )
        for message in got.get("Messages", []):
            if is_it(dict(message)):
                return dict(message)
    raise AssertionError(f"the message did not come within {seconds:g} s")


def picture(colour: str = "red", kind: str = "PNG") -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(body, kind)
    return body.getvalue()


def image_url(bench: Bench, colour: str = "red") -> str:
    """A presigned URL of a picture in the local bucket, which the stack allows for downloads."""
    key = f"CACHE/source-{colour}.png"
    bench.put_object(key, picture(colour), "image/png")
    bucket = bench.stack.outputs["MediaBucketName"]
    link: str = bench.stack.client("s3").generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    return link


def dump(
    bench: Bench, pk: str | None = None, name: str = "Probe", image: str = "inventory/images/none.png", **more: Any
) -> str:
    key = f"imports/probe-{uuid.uuid4()}.json"
    fields = {"name": name, "sku": "P-1", "image": image, "updated_at": datetime.now(UTC).isoformat()}
    bench.put_object(
        key,
        json.dumps(
            [{"model": "inventory.inventoryitem", "pk": pk or str(uuid.uuid4()), "fields": fields} | more]
        ).encode(),
    )
    return key


def upload(bench: Bench, item_id: str) -> str:
    key = f"uploads/images/{item_id}/{uuid.uuid4().hex}.png"
    bench.put_object(key, picture("green"), "image/png")
    return key
