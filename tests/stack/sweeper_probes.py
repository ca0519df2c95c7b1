"""What the sweep does, as probes of its role (see probes.py)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from makertasks import clock, wire
from makertasks.monitoring.counters import rolling_up
from makertasks.worker import lost_changes
from tests.stack.alert_probes import put_alert
from tests.stack.deliveries import QR_CODE, put_record, received
from tests.stack.rights import Bench, Role


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


def recounts_an_hour(bench: Bench, role: Role) -> None:
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


def resends_a_lost_message(bench: Bench, role: Role) -> None:
    """A task whose message was lost too often, then one whose message was lost: none is given up beside a message."""
    queue = bench.queue("clean_media")  # to which no other probe sends without the lock
    with bench.alone_with(queue):
        often = lost_task(bench, requeues=9)
        bench.stack.client("sqs").purge_queue(QueueUrl=queue)
        bench.invoke(role, {})
        once = lost_task(bench, requeues=0)
        bench.stack.client("sqs").purge_queue(QueueUrl=queue)
        bench.invoke(role, {})
        received(bench, queue, lambda message: task_of(message) == once, seconds=20)
    assert bench.record(once)["requeues"] == {"N": "1"}
    assert bench.record(often)["status"] == {"S": "FAILURE"}


def lost_task(bench: Bench, requeues: int) -> str:
    """Record a task that has been waiting for ten days without a message; returns its id."""
    task_id, long_ago = str(uuid.uuid4()), clock.text(datetime.now(UTC) - timedelta(days=10))
    put_record(bench, task_id, QR_CODE, status="PENDING", created=long_ago, queue="clean_media")
    update = {"UpdateExpression": "SET requeues = :n", "ExpressionAttributeValues": {":n": {"N": str(requeues)}}}
    key = {"id": {"S": wire.result_key(task_id)}}
    bench.stack.client("dynamodb").update_item(TableName=bench.table("tasks"), Key=key, **update)
    return task_id


def task_of(message: dict[str, Any]) -> str | None:
    """Id of the task that a received message is about."""
    return wire.decode(message["Body"], message_id=message["MessageId"]).task_id


def starts_alerts(bench: Bench, role: Role) -> None:
    """If an alert exists, the sweep starts the alerts function."""
    put_alert(bench, "probe-sweep")
    bench.invoke(role, {})
