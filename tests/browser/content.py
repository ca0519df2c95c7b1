"""Content of the stack during the tests: sample items, a few weeks of tasks, and hostile text."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from infra.local import trial
from makertasks import clock, wire
from makertasks.errors import PermanentError
from makertasks.records import failures
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from tests.browser import history, tries
from tests.browser.deployed import Site
from tests.waiting import wait_for

# Number of past tasks, several pages of the list.
TASKS = 70
# Markup, a right-to-left name, emoji and 2,000 characters.
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> '\"& مرحبا بالعالم 🧪 "
LONG = HOSTILE + "<b>" + "x" * 2000
# Clients choose ids: this one contains special characters of URLs and of markup.
HOSTILE_ID = "a/b?c=d#e&50%2F \"'<i>مرحبا 🧪"
HOSTILE_ITEM = "0b5c1f0e-6f0a-4a54-9d0c-3a1f6f2b7c11"


def fill(site: Site) -> None:
    """Create items, one with a hostile name, and tasks in every final state or still running."""
    trial.import_sample(site.stack)
    site.items = site.stack.api.get("/v1/items", limit=50)["items"]
    put_hostile_item(site)
    alert = {"form": "email", "address": "ann@example.org", "kinds": ["queue_stuck", "dead_letter"], "recoveries": True}
    assert site.stack.api.request("PUT", "/v1/alerts/mail", json=alert).ok
    first = site.items[0]["id"]
    site.tasks["done"] = site.stack.api.submit("generate_qr_code", item_id=first)
    # A message sent directly to a queue is validated only when it runs.
    site.tasks["failed"] = send(site, "generate_qr_code", item_id="no-uuid")
    site.tasks["long"] = send(site, "generate_qr_code", item_id=LONG)
    history.write(site.stack, site.items, clock.now(), TASKS)
    with history.environment(site.stack):
        site.tasks["hostile"] = hostile_task()
        site.tasks["running"] = running_task()
        site.tasks["retrying"] = tries.await_next("waits-for-its-next-attempt")
        site.tasks["tried"] = tries.write("tried-four-times", clock.now() - timedelta(hours=2))
    for name in ("done", "failed", "long"):
        site.ended(site.tasks[name])
    wait_for(lambda: counted(site) >= TASKS, "the counters to catch up")


def counted(site: Site) -> int:
    """Create tasks that the counters of the last weeks include."""
    ago = clock.text(clock.now() - timedelta(days=40))
    totals: dict[str, int] = site.stack.api.get("/v1/statistics", created_from=ago)["totals"]
    return sum(totals.values())


def put_hostile_item(site: Site) -> None:
    """Create an item with hostile text in every field."""
    site.hostile_item = HOSTILE_ITEM
    texts = {name: {"S": LONG} for name in ("name", "sku", "description", "location")}
    entry = {"owner": f"item#{HOSTILE_ITEM}", "entry": "item", "kind": "item", "listing": "item", "sort_name": "zz"}
    site.stack.client("dynamodb").put_item(
        TableName=site.stack.outputs["InventoryTableName"],
        Item={
            **{name: {"S": value} for name, value in entry.items()},
            **texts,
            "category": {"M": {"name": {"S": HOSTILE}, "color": {"S": "#2563eb"}}},
        },
    )


def hostile_task() -> str:
    """Create a failed task with hostile text in every field, including its id."""
    error = PermanentError(LONG)
    message = wire.Message(
        task_id=HOSTILE_ID, name=f"shop.{HOSTILE}", args=[LONG], kwargs={HOSTILE: [LONG, {LONG: 1}]}, parent_id=HOSTILE
    )
    record = records.new(message, queue="generate_qr_code", requested_by=HOSTILE, created=clock.now())
    record.worker, record.attempt, record.body = HOSTILE, 1, LONG
    record.error_type, record.error_message = "<b>Error", LONG
    record.fingerprint = failures.fingerprint(record.name, "Error", LONG)
    record.retried_to = [HOSTILE]
    end(record, Status.FAILURE, error=error)
    return HOSTILE_ID


def running_task(task_id: str = "runs-for-hours") -> str:
    """Create a task that runs for hours."""
    message = wire.Message(task_id=task_id, name=history.QR_CODE, args=[], kwargs={"item_id": "x"})
    record = records.new(message, queue="generate_qr_code", requested_by="test", created=clock.now())
    record.status, record.attempt, record.worker = Status.STARTED.value, 1, "generate_qr_code@00000000"
    record.started, record.lease = record.created, (clock.now() + timedelta(hours=6)).timestamp()
    record.progress = {"done": 3, "total": 9}
    record.save()
    return task_id


def end(record: TaskRecord, status: Status, **outcome: Any) -> None:
    """Write a record of a task that has just finished."""
    record.status, record.status_key = status.value, records.status_key(record.task_id, status, record.created)
    record.started, record.done, record.runtime = record.created, clock.text(clock.now()), 0.2
    record.result = records.meta(record, status, **outcome)
    record.save()


def send(site: Site, queue: str, **kwargs: str) -> str:
    """Send arguments to a task's queue as the SQS console does; returns the task's id."""
    sqs = site.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{site.stack.name}-tasks-{queue}")["QueueUrl"]
    return str(sqs.send_message(QueueUrl=url, MessageBody=json.dumps(kwargs))["MessageId"])
