"""Short probes of each function's work: a probe passes if its role has every permission, and raises if one is missing.

Together a role's probes need all of its permissions; test_rights.py removes each permission and expects one of them
to fail. A new permission needs a probe here.
"""

from __future__ import annotations

import importlib
import io
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from PIL import Image

from makertasks import clock, wire
from makertasks.inventory import table as inventory
from makertasks.monitoring.counters import rolling_up
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.submission import delays
from makertasks.tasks import Task
from makertasks.worker import lost_changes
from tests.stack import api_probes, job_probes
from tests.stack.rights import Bench, Role
from tests.template import resources
from tests.waiting import wait_for
from uploads.handler import Upload

Probe = Callable[[Bench, Role], None]

QR_CODE = "inventory.tasks.generate_qr_code"
ITEM_TASKS = ("download_image_from_url", "generate_qr_code", "generate_index_card")


# ── every task ──


def refuses_what_does_not_fit(bench: Bench, role: Role) -> None:
    """Invalid arguments are recorded as FAILURE."""
    deliver(bench, role, {"no_such_argument": 1}, ends_as="FAILURE")


def sends_anew(bench: Bench, role: Role) -> None:
    """A message that was delivered many times before its ETA is resent as a new one."""
    task_id = waiting(bench, role, timedelta(minutes=5))
    deliver(bench, role, arguments(bench, role), ends_as="RETRY", task_id=task_id, received=99)


def puts_off(bench: Bench, role: Role) -> None:
    """A message received before its ETA becomes visible at its ETA, long before the queue's visibility time-out."""
    refuses_what_does_not_fit(bench, role)  # so that the function is running when seconds count
    sqs, queue, given = bench.stack.client("sqs"), bench.queue(short_name(role)), arguments(bench, role)
    task_id = waiting(bench, role, timedelta(seconds=2.5))
    with bench.alone_with(queue):
        sent = sqs.send_message(QueueUrl=queue, MessageBody=body_of(role, given, task_id=task_id))
        is_ours = lambda message: message["MessageId"] == sent["MessageId"]  # noqa: E731
        message = received(bench, queue, is_ours, seconds=2)
        assert bench.invoke(role, {"Records": [sqs_record(message)]})["batchItemFailures"]
        received(bench, queue, is_ours, seconds=8)


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


def ends_a_chord(bench: Bench, role: Role) -> None:
    """The last part of a chord reads the results of all parts, and fails the body if a part failed."""
    group_id, task_id, body_id = (str(uuid.uuid4()) for _ in range(3))
    tree = [[group_id, None], [[[task_id, None], None]]]
    bench.put("tasks", {"id": wire.group_key(group_id), "result": wire.group_meta(tree), "timestamp": 1})
    bench.put("tasks", {"id": wire.chord_key(group_id), "chord_count": 0, "timestamp": 1})
    signature = {"task": full_name(role), "args": [], "kwargs": {}, "options": {"task_id": body_id}}
    chord = signature | {"chord_size": 1, "subtask_type": None, "immutable": False}
    given = {"no_such_argument": 1}
    deliver(bench, role, given, ends_as="FAILURE", task_id=task_id, group_id=group_id, chord=chord)
    assert bench.record(body_id)["status"] == {"S": "FAILURE"}


def reads_large_arguments(bench: Bench, role: Role) -> None:
    """Large arguments are stored in the bucket, and the message names their key."""
    key = f"payloads/{uuid.uuid4().hex}/kwargs.json"
    bench.put_object(key, json.dumps({"no_such_argument": 1}).encode())
    pointer = {records.PAYLOAD_HEADER: {"key": key, "bytes": 1}}
    deliver(bench, role, {}, ends_as="FAILURE", headers=pointer)


def writes_large_arguments(bench: Bench, role: Role) -> None:
    """Callbacks may have large arguments."""
    large = {"item_id": "x" * 2 * payloads.INLINE_BYTES}
    errback = {"task": QR_CODE, "args": [], "kwargs": large, "options": {}, "subtask_type": None, "immutable": True}
    deliver(bench, role, {"no_such_argument": 1}, ends_as="FAILURE", errbacks=[errback])


def schedules_what_is_far_off(bench: Bench, role: Role) -> None:
    """A task for tomorrow gets its own schedule."""
    task_id = str(uuid.uuid4())
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    deliver(bench, role, arguments(bench, role), ends_as="PENDING", task_id=task_id, eta=tomorrow)
    schedule = {"GroupName": f"{bench.stack.name}-delays", "Name": delays.name_of(task_id)}
    bench.stack.client("scheduler").delete_schedule(**schedule)


EVERY_TASK: list[Probe] = [
    refuses_what_does_not_fit,
    sends_anew,
    ends_a_chord,
    reads_large_arguments,
    writes_large_arguments,
    schedules_what_is_far_off,
    puts_off,
]


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


# ── the tasks ──


def succeeds(bench: Bench, role: Role) -> None:
    deliver(bench, role, arguments(bench, role))


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


def replaces_an_image(bench: Bench, role: Role) -> None:
    """The previous image, under another name, is deleted with its thumbnail."""
    old = f"inventory/images/{uuid.uuid4()}.jpg"
    bench.put_object(old, picture(kind="JPEG"))
    bench.put_object(f"CACHE/{old}.webp", picture(kind="WEBP"))
    item_id = bench.item(image=old)
    named = {"item_id": item_id, "image_url": image_url(bench, "blue")}
    given = named if short_name(role) in ITEM_TASKS else {"key": upload(bench, item_id)}
    deliver(bench, role, given)
    assert not bench.has_object(old)
    assert not bench.has_object(f"CACHE/{old}.webp")


def replaces_a_code(bench: Bench, role: Role) -> None:
    old = f"inventory/qrcodes/{uuid.uuid4()}.png"
    bench.put_object(old, picture())
    deliver(bench, role, {"item_id": bench.item(qr_code=old)})
    assert not bench.has_object(old)


def reads_items_of_a_batch_together(bench: Bench, role: Role) -> None:
    """Without the permission, each task reads its own item and logs it."""
    began, ids = int(time.time() * 1000) - 1, [str(uuid.uuid4()) for _ in range(2)]
    attributes = {"SentTimestamp": str(began), "ApproximateReceiveCount": "1"}
    events = [
        sqs_record(
            {"MessageId": task_id, "ReceiptHandle": "-", "Attributes": attributes}
            | {"Body": body_of(role, {"item_id": bench.item()}, task_id=task_id)}
        )
        for task_id in ids
    ]
    assert bench.invoke(role, {"Records": events}) == {"batchItemFailures": []}

    def said() -> str:
        group = f"/aws/lambda/{role.function}"
        found = bench.stack.client("logs").filter_log_events(logGroupName=group, startTime=began)["events"]
        text = "".join(event["message"] for event in found)
        return text if all(f"{task_id}" in text for task_id in ids) else ""

    assert "batch read of items failed" not in wait_for(said, "both tasks in the log")


def draws_pictures(bench: Bench, role: Role) -> None:
    """Cards show the thumbnail, or the image if there is no thumbnail."""
    image = f"inventory/images/{uuid.uuid4()}.png"
    for key, attribute in ((image, "image"), (f"CACHE/{image}.webp", "thumbnail")):
        bench.put_object(key, picture())
        item_id = bench.item(**{attribute: key})
        one = short_name(role) == "generate_index_card"
        assert not deliver(bench, role, {"item_id": item_id} if one else {"item_ids": [item_id]})["warnings"]


def measures(bench: Bench, role: Role) -> None:
    """A delivery ten days after its order has a lead time of ten days."""
    owner, yesterday = inventory.owner_of(bench.item()), datetime.now(UTC) - timedelta(days=1)
    ordered, received = clock.text(yesterday - timedelta(days=10)), yesterday.date().isoformat()
    bench.put_entry(inventory.ItemSupplier(owner, "supplier#1", supplier_id="7", is_primary=True))
    dates = {"ordered_at": ordered, "actual_delivery": received}
    bench.put_entry(inventory.ReorderRequest(owner, "request#1", status="received", supplier_id="7", **dates))
    assert deliver(bench, role, {})["links"]["changed"]


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


def imports_changes(bench: Bench, role: Role) -> None:
    """Import a new item, then a changed one, then a deletion."""
    pk = str(uuid.uuid4())
    for name in ("Before", "After"):
        deliver(bench, role, {"key": dump(bench, pk, name)})
    deliver(bench, role, {"key": dump(bench, pk, deleted=(datetime.now(UTC) + timedelta(minutes=1)).isoformat())})


def upload(bench: Bench, item_id: str) -> str:
    key = f"uploads/images/{item_id}/{uuid.uuid4().hex}.png"
    bench.put_object(key, picture("green"), "image/png")
    return key


def rejects_what_is_no_picture(bench: Bench, role: Role) -> None:
    """An unusable upload is moved aside with the reason; a second attempt finds both."""
    key = f"uploads/images/{bench.item()}/{uuid.uuid4().hex}.png"
    bench.put_object(key, b"no picture")
    deliver(bench, role, {"key": key}, ends_as="FAILURE")
    assert not bench.has_object(key)


def knows_what_it_rejected(bench: Bench, role: Role) -> None:
    """If the first attempt moved the upload aside without recording it, the second one reads the reason."""
    key = f"images/{uuid.uuid4()}/{uuid.uuid4().hex}.png"
    bench.put_object(f"rejected/{key}", b"no picture")
    bench.put_object(f"rejected/{key}.reason.txt", b"no picture")
    task_id = waiting(bench, role, timedelta(seconds=-1), key=f"uploads/{key}")
    deliver(bench, role, {"key": f"uploads/{key}"}, ends_as="FAILURE", task_id=task_id)
    error = bench.record(task_id)["error_message"]
    assert "moved to rejected/" in error["S"], error


# ── the system's own functions ──


def records_a_dead_letter(bench: Bench, role: Role) -> None:
    """An unreadable dead letter, and one whose task is recorded as waiting; the queue is empty afterwards."""
    sqs = bench.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{bench.stack.name}-dead-letters")["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    unreadable, waits = str(uuid.uuid4()), str(uuid.uuid4())
    put_record(bench, waits, QR_CODE, status="PENDING")
    known = wire.encode(wire.Message(task_id=waits, name=QR_CODE), "probe")
    unread = wire.encode(wire.Message(task_id=unreadable, name=QR_CODE), "probe").replace('"body": "', '"body": "!')
    for body in (unread, known):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    assert bench.invoke(role, {})["dead_letters"] == 2
    for task_id in (unreadable, waits):
        assert bench.record(task_id)["status"] == {"S": "FAILURE"}
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert set(left.values()) == {"0"}


def counts_an_hour_anew(bench: Bench, role: Role) -> None:
    """An overdue batch of changes on which the counting function gave up."""
    name = f"probe.{uuid.uuid4().hex}"
    put_record(bench, name, name, status="SUCCESS", created="2026-11-20T09:30:00.000000Z",
               name_key=f"{name}#2026-11-20T09")  # fmt: skip
    bench.put("tasks", {"id": lost_changes.NOTE, "value": {"hours": {f"2026-11-20T09#{name}": 0}}})

    assert bench.invoke(role, {})["repaired"] == 1

    key = {"period": {"S": "2026-11-20"}, "cell": {"S": f"09#{name}"}}
    counted = bench.stack.client("dynamodb").get_item(TableName=bench.table("counters"), Key=key)["Item"]
    assert counted["counts"] == {"M": {"SUCCESS": {"N": "1"}}}


def rolls_up_a_day_of_expired_tasks(bench: Bench, role: Role) -> None:
    """A note, from yesterday, of a day whose tasks expired."""
    over, before = rolling_up.open_days()[-1], clock.text(clock.now() - timedelta(days=rolling_up.OPEN_DAYS))[:10]
    noted = {"period": f"{rolling_up.LATE}{over}", "cell": "2026-01-01"}
    bench.put("counters", {**noted, "version": 1})
    bench.put("tasks", {"id": rolling_up.NOTE, "value": {"through": before}})

    bench.invoke(role, {})

    key = {name: {"S": value} for name, value in noted.items()}
    assert "Item" not in bench.stack.client("dynamodb").get_item(TableName=bench.table("counters"), Key=key)


def counts_a_task(bench: Bench, role: Role) -> None:
    name = f"probe.{uuid.uuid4().hex}"
    image = {"name": {"S": name}, "created": {"S": "2026-11-22T09:00:00.000000Z"}, "status": {"S": "PENDING"}}
    for event in ("1", "2"):
        bench.invoke(role, {"Records": [stream_record(event.rjust(32, "0"), image)]})


def stream_record(event_id: str, image: dict[str, Any]) -> dict[str, Any]:
    changed = {"Keys": {}, "NewImage": image, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return {"eventID": event_id, "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": changed}


def item_changed(bench: Bench) -> dict[str, Any]:
    """The stream's event for an item with an image URL."""
    item = {"owner": {"S": f"item#{bench.item()}"}, "image_url": {"S": "https://shop.example/a.png"}}
    return {"Records": [stream_record(uuid.uuid4().hex, item)]}


def queues_a_download(bench: Bench, role: Role) -> None:
    assert bench.invoke(role, item_changed(bench)) == {"batchItemFailures": []}


def tells_the_site(bench: Bench, role: Role) -> None:
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


def records_what_it_cannot_send(bench: Bench, role: Role) -> None:
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


def sends_a_lost_message_again(bench: Bench, role: Role) -> None:
    """A task whose message was lost, and one whose message was lost too often."""
    long_ago = clock.text(datetime.now(UTC) - timedelta(days=10))
    found = {}
    for requeues in ("0", "9"):
        task_id = found[requeues] = str(uuid.uuid4())
        put_record(bench, task_id, QR_CODE, status="PENDING", created=long_ago, queue="generate_index_cards")
        update = {"UpdateExpression": "SET requeues = :n", "ExpressionAttributeValues": {":n": {"N": requeues}}}
        key = {"id": {"S": wire.result_key(task_id)}}
        bench.stack.client("dynamodb").update_item(TableName=bench.table("tasks"), Key=key, **update)
    queue = bench.queue("generate_index_cards")
    with bench.alone_with(queue):
        bench.stack.client("sqs").purge_queue(QueueUrl=queue)
        bench.invoke(role, {})
        received(bench, queue, lambda message: task_of(message) == found["0"], seconds=5)
    assert bench.record(found["0"])["requeues"] == {"N": "1"}
    assert bench.record(found["9"])["status"] == {"S": "FAILURE"}


def task_of(message: dict[str, Any]) -> str | None:
    """Id of the task that a received message is about."""
    return wire.decode(message["Body"], message_id=message["MessageId"]).task_id


def forgets_payloads(bench: Bench, role: Role) -> None:
    """A record's objects in the bucket are deleted with it."""
    key = f"payloads/{uuid.uuid4().hex}/kwargs-1.json"
    bench.put_object(key, b"{}")
    old = TypeSerializer().serialize({"payloads": {"kwargs": {"key": key, "bytes": 2}}})["M"]
    removed = {"Keys": {}, "OldImage": old, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
    bench.invoke(role, {"Records": [{"eventID": "1" * 32, "eventName": "REMOVE", "dynamodb": removed}]})
    assert not bench.has_object(key)


def cleans(bench: Bench, role: Role) -> None:
    """No object is a day old, so the task only lists."""
    bench.item(image="inventory/images/x.png")
    assert deliver(bench, role, {})["looked_at"] >= 0


# A task's role without its own probes below is probed with the task's example and with the probes of all tasks.
TASK_ROLES = [
    name
    for name, body in resources().items()
    if body["Type"] == "AWS::IAM::Role" and "EnginePolicy" in body["Properties"].get("ManagedPolicyArns", [])
]
# ── alerts ──


def put_alert(bench: Bench, name: str, **attributes: Any) -> None:
    """An alert as the API stores it."""
    moment = clock.text(datetime.now(UTC))
    chosen = {"form": "json", "address": "-", "kinds": ["dead_letter"], "recoveries": False, "who": "probe"}
    bench.put("counters", {"period": "alerts", "cell": name, "moment": moment, **chosen, **attributes})


def starts_alerts(bench: Bench, role: Role) -> None:
    """If an alert exists, the sweep starts the alerts function."""
    put_alert(bench, "probe-sweep")
    bench.invoke(role, {})


def looks_for_every_kind(bench: Bench, role: Role) -> None:
    """A kind of problem that cannot be checked ends the run with an error."""
    put_record(bench, str(uuid.uuid4()), QR_CODE, status="PENDING")
    put_alert(bench, "probe-kinds", kinds=["new_cause", "queue_stuck", "schedule_missed", "dead_letter"])
    bench.invoke(role, {})


def posts_to_a_webhook(bench: Bench, role: Role) -> None:
    """The function reads the webhook URL, and refuses to post to this internal one."""
    parameter = {"Name": f"/{bench.stack.name}/alerts/probe-post", "Value": "https://127.0.0.1/probe"}
    bench.stack.client("ssm").put_parameter(Type="SecureString", Overwrite=True, **parameter)
    put_alert(bench, "probe-post")
    assert "not a public web server" in bench.invoke(role, {"test": "probe-post"})["detail"]


def mails(bench: Bench, role: Role) -> None:
    address = "probe@example.org"
    topic = bench.physical["Alerts"]
    bench.stack.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    put_alert(bench, "probe-mail", form="email", address=address)
    outcome = bench.invoke(role, {"test": "probe-mail"})
    assert outcome["delivered"], outcome


PROBES: dict[str, list[Probe]] = {name: [succeeds, *EVERY_TASK] for name in TASK_ROLES} | {
    "DownloadImageFromUrlRole": [succeeds, *EVERY_TASK, replaces_an_image],
    "GenerateQrCodeRole": [succeeds, *EVERY_TASK, replaces_a_code, reads_items_of_a_batch_together],
    "GenerateIndexCardRole": [succeeds, *EVERY_TASK, draws_pictures],
    "GenerateIndexCardsRole": [succeeds, *EVERY_TASK, draws_pictures],
    "UpdateAverageLeadTimesRole": [measures, *EVERY_TASK],
    "ImportDumpRole": [imports_changes, *EVERY_TASK],
    "AttachUploadRole": [succeeds, *EVERY_TASK, replaces_an_image, rejects_what_is_no_picture, knows_what_it_rejected],
    "UploadsRole": [queues_an_import, queues_an_upload, records_what_it_cannot_send],
    "ItemChangesRole": [queues_a_download, tells_the_site, records_what_it_cannot_send],
    "TaskEventsRole": [counts_a_task, forgets_payloads],
    "SweeperRole": [
        sends_a_lost_message_again,
        records_a_dead_letter,
        counts_an_hour_anew,
        rolls_up_a_day_of_expired_tasks,
        starts_alerts,
    ],
    "AlertsRole": [looks_for_every_kind, posts_to_a_webhook, mails],
    "BulkActionRole": [*job_probes.EVERY_JOB, *EVERY_TASK],
    "CleanMediaRole": [cleans, *EVERY_TASK],
    "ApiRole": api_probes.EVERY_REQUEST,
}
