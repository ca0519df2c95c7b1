"""Every entry point, on the real template: HTTP, queue, schedule, direct invocation, bucket, item change."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from tests.waiting import wait_for

DUMP = Path(__file__).parents[1] / "data/openmakersuite-dump.json"
OBJECTS = {"item": 40, "supplier": 78, "request": 110}
FINAL = {"SUCCESS", "FAILURE", "REVOKED"}


def final(stack, task_id):
    """Wait until the task has finished and return it as the API shows it."""

    def ended():
        answer = stack.api.request("GET", f"/v1/tasks/{task_id}")
        return answer.status_code == 200 and answer.json()["status"] in FINAL and answer.json()

    return wait_for(ended, f"task {task_id} to end")


def newest(stack, name, **filters):
    """Wait for a finished task with this name and return the newest."""

    def found():
        tasks = stack.api.get("/v1/tasks", name=name, **filters)["tasks"]
        return tasks and tasks[0]["status"] in FINAL and tasks[0]

    return stack.api.get(f"/v1/tasks/{wait_for(found, f'a {name} to end')['id']}")


def stored(stack, key):
    return stack.client("s3").get_object(Bucket=stack.outputs["MediaBucketName"], Key=key)["Body"].read()


def put(stack, key, body):
    stack.client("s3").put_object(Bucket=stack.outputs["MediaBucketName"], Key=key, Body=body)


def queue_url(stack, task):
    return stack.client("sqs").get_queue_url(QueueName=f"{stack.name}-tasks-{task}")["QueueUrl"]


def send(stack, task, body):
    """Send a message as the SQS console does; returns the message's id."""
    return stack.client("sqs").send_message(QueueUrl=queue_url(stack, task), MessageBody=body)["MessageId"]


def swept(stack):
    """Run one sweep and return its report."""
    answer = stack.client("lambda").invoke(FunctionName=f"{stack.name}-sweeper", Payload=b"{}")
    assert "FunctionError" not in answer
    return json.load(answer["Payload"])


def inventory(stack):
    """Every entry of the inventory table."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["InventoryTableName"])
    return [entry for page in pages for entry in page["Items"]]


@pytest.fixture(scope="module")
def items(stack):
    """Upload the real dump under imports/; returns its items by name."""
    put(stack, "imports/openmakersuite.json", DUMP.read_bytes())
    imported = newest(stack, "makertasks.import_dump")
    assert imported["status"] == "SUCCESS", imported
    return stack.api.get("/v1/items", limit=100)["items"]


def test_a_dump_under_imports_fills_the_inventory_and_a_second_one_changes_nothing(stack, items):
    entries = inventory(stack)
    assert len(items) == OBJECTS["item"]
    assert {kind: sum(entry["kind"]["S"] == kind for entry in entries) for kind in OBJECTS} == OBJECTS
    put(stack, "imports/again.json", DUMP.read_bytes())

    def second():
        tasks = stack.api.get("/v1/tasks", name="makertasks.import_dump")["tasks"]
        ended = [task for task in tasks if task["status"] in FINAL and task["kwargs"]["key"] == "imports/again.json"]
        return ended and stack.api.get(f"/v1/tasks/{ended[0]['id']}")

    result = wait_for(second, "the second import")["result"]
    assert (result["created"], result["changed"], result["refused"]) == (0, 0, 0)
    key = lambda entry: (entry["owner"]["S"], entry["entry"]["S"])  # noqa: E731
    assert sorted(inventory(stack), key=key) == sorted(entries, key=key)


def test_a_qr_code_requested_by_http_is_scannable(stack, items):
    item_id = items[0]["id"]
    accepted = stack.api.post("/v1/tasks", {"name": "inventory.tasks.generate_qr_code", "kwargs": {"item_id": item_id}})
    assert accepted["status"] in {"PENDING", "STARTED", "SUCCESS"}
    task = final(stack, accepted["id"])
    assert task["status"] == "SUCCESS", task["error"]
    assert task["created"] <= task["started"] <= task["done"]
    assert task["worker"].startswith("generate_qr_code@")
    key = task["result"]["qr_code"]
    assert key == f"inventory/qrcodes/qr_{item_id}.png"
    [code] = zxingcpp.read_barcodes(Image.open(io.BytesIO(stored(stack, key))))
    assert code.text == f"http://localhost:3000/scan/{item_id}"
    assert set(stack.api.get(f"/v1/items/{item_id}")["links"]) >= {"qr_code"}


def test_a_card_requested_by_the_queue_is_stored_with_the_right_text(stack, items):
    item = items[1]
    message_id = send(stack, "generate_index_card", json.dumps({"item_id": item["id"]}))
    task = final(stack, message_id)
    assert task["status"] == "SUCCESS", task["error"]
    pdf = PdfReader(io.BytesIO(stored(stack, task["result"]["index_card"])))
    text = " ".join(pdf.pages[0].extract_text().split())
    assert "Scan to notify Logistics" in text
    assert item["name"].split()[0] in text


def test_lead_times_by_direct_invocation(stack, items):
    function = f"{stack.name}-update_average_lead_times"
    answer = stack.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    payload = json.loads(answer["Payload"].read())
    assert payload["status"] == "SUCCESS", payload
    assert payload["result"]["links"]["looked_at"] > 0
    assert final(stack, payload["task_id"])["requested_by"] == "direct invocation"


def test_a_failing_direct_invocation_returns_an_error_and_is_recorded(stack):
    answer = stack.client("lambda").invoke(
        FunctionName=f"{stack.name}-generate_qr_code", Payload=json.dumps({"item_id": "nonsense"}).encode()
    )
    assert answer["FunctionError"]
    assert "item_id: invalid UUID" in json.loads(answer["Payload"].read())["errorMessage"]


def test_the_schedules_message_runs_once_a_slot(stack, items):
    """The deployed schedule's own target and input, fired twice for the same slot by two one-time schedules."""
    scheduler = stack.client("scheduler")
    deployed = scheduler.get_schedule(Name="update_average_lead_times", GroupName=stack.name)
    assert deployed["State"] == "ENABLED"
    # when the slot is due
    slot = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    for number in range(2):
        scheduler.create_schedule(
            Name=f"test-{number}",
            GroupName=stack.name,
            ScheduleExpression=f"at({slot.strftime('%FT%T')})",
            FlexibleTimeWindow={"Mode": "OFF"},
            ActionAfterCompletion="DELETE",
            Target=deployed["Target"],
        )
    # then its task has run once
    task = final(stack, f"lead-times-{slot.strftime('%FT%TZ')}")
    assert task["status"] == "SUCCESS", task["error"]
    assert task["requested_by"] == "schedule update_average_lead_times"
    assert len(task["attempts"]) == 1


def test_an_item_with_an_image_url_gets_its_image_whoever_wrote_it(stack, items):
    # given a picture
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(picture, "PNG")
    put(stack, "samples/teal.png", picture.getvalue())
    bucket = {"Bucket": stack.outputs["MediaBucketName"], "Key": "samples/teal.png"}
    url = stack.client("s3").generate_presigned_url("get_object", Params=bucket, ExpiresIn=600)
    item_id = items[2]["id"]

    def change(expression, value):
        stack.client("dynamodb").update_item(
            TableName=stack.outputs["InventoryTableName"],
            Key={"owner": {"S": f"item#{item_id}"}, "entry": {"S": "item"}},
            UpdateExpression=expression,
            ExpressionAttributeValues={":value": value},
        )

    # when a program writes its URL into an item
    change("SET image_url = :value", {"S": url})
    # then a task downloads it
    task = newest(stack, "inventory.tasks.download_image_from_url", item_id=item_id)
    assert task["status"] == "SUCCESS", task["error"]
    assert task["requested_by"] == "item change"
    item = stack.api.get(f"/v1/items/{item_id}")
    assert Image.open(io.BytesIO(stored(stack, item["image"]))).size == (640, 480)
    thumbnail = Image.open(io.BytesIO(stored(stack, item["thumbnail"])))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (300, 225))
    # when the stock changes, and after that the URL, then only the URL leads to another download
    change("SET current_stock = :value", {"N": "99"})
    change("SET image_url = :value", {"S": stack.client("s3").generate_presigned_url("get_object", bucket, 601)})
    filters = {"name": "inventory.tasks.download_image_from_url", "item_id": item_id}
    wait_for(lambda: len(stack.api.get("/v1/tasks", **filters)["tasks"]) > 1, "the second download")
    assert len(stack.api.get("/v1/tasks", **filters)["tasks"]) == 2


def test_an_items_links_return_its_files(stack, items):
    item_id = items[0]["id"]
    link = wait_for(lambda: stack.api.get(f"/v1/items/{item_id}")["links"].get("qr_code"), "the code's link")
    assert requests.get(link, timeout=10).content.startswith(b"\x89PNG")


BAD = [
    ({"name": "inventory.tasks.nothing"}, 404, "name"),
    ({"name": "inventory.tasks.generate_qr_code"}, 422, "kwargs.item_id"),
    ({"name": "inventory.tasks.generate_qr_code", "kwargs": {"item_id": "x"}}, 422, "kwargs.item_id"),
    ({"name": "inventory.tasks.generate_qr_code", "kwargs": {"item_id": 7}}, 422, "kwargs.item_id"),
    (
        {"name": "inventory.tasks.generate_qr_code", "kwargs": {"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"}},
        422,
        "kwargs.item_id",
    ),
    ({"name": "inventory.tasks.update_average_lead_times", "kwargs": {"days": 3}}, 422, "kwargs.days"),
    ({"name": "inventory.tasks.generate_qr_code", "kwargs": []}, 422, "kwargs"),
    ({"nome": "inventory.tasks.generate_qr_code"}, 422, "nome"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD)
def test_bad_submissions_name_the_field_and_leave_nothing_behind(stack, body, status, field):
    before = stack.api.get("/v1/tasks", limit=1)["tasks"][:1]
    answer = stack.api.request("POST", "/v1/tasks", json=body)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert (problem["status"], problem["field"]) == (status, field)
    assert problem["detail"].startswith(f"{field}: ")
    assert answer.headers["content-type"] == "application/problem+json"
    assert stack.api.get("/v1/tasks", limit=1)["tasks"][:1] == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "item_id: missing"),
        ({"item_id": "x"}, "item_id: invalid UUID"),
        ({"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"}, "item_id: the inventory has no item"),
    ],
)
def test_bad_messages_fail_at_once_with_that_reason(stack, items, arguments, said):
    task = final(stack, send(stack, "generate_qr_code", json.dumps(arguments)))
    assert (task["status"], task["retries"]) == ("FAILURE", 0)
    assert task["error"]["message"].startswith(said)


def test_an_unreadable_message_becomes_a_failure_that_keeps_its_body(stack):
    message_id = send(stack, "generate_qr_code", "this is no message")
    wait_for(lambda: swept(stack)["dead_letters"], "the sweep to find the dead letter")
    task = final(stack, message_id)
    assert task["queue"] == "generate_qr_code"
    assert (task["status"], task["error"]["type"]) == ("FAILURE", "DeadLetter")
    assert "cannot be read" in task["error"]["message"]


def test_no_message_is_left_in_any_queue(stack):
    sqs = stack.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty():
        counts = [
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            for url in sqs.list_queues(QueueNamePrefix=f"{stack.name}-")["QueueUrls"]
            if not url.endswith("-site-changes")  # only a site receives these, and this stack has none
        ]
        return all(int(value) == 0 for count in counts for value in count.values())

    wait_for(empty, "empty queues")


def test_requests_without_a_valid_token_learn_nothing(stack):
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}):
        for path in ("/v1/tasks", "/v1/items", "/v1/task-types"):
            answer = requests.get(f"{stack.api_url}{path}", headers=headers, timeout=10)
            assert answer.status_code == 401, answer.text
            assert "makertasks" not in answer.text
    assert requests.get(f"{stack.api_url}/v1/health", timeout=10).json() == {"status": "ok"}
