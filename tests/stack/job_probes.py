"""Probes of the role of bulk jobs (see probes.py)."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from makertasks import clock, wire
from makertasks.control import jobs
from makertasks.records import payloads
from makertasks.submission import delays
from tests.stack import deliveries
from tests.stack.rights import Bench, Role

LEAD_TIMES = "inventory.tasks.update_average_lead_times"


def ended(bench: Bench, **attributes: Any) -> str:
    """Finish a new task; return its id."""
    task_id, name = str(uuid.uuid4()), attributes.pop("name", LEAD_TIMES)
    hour = clock.text(datetime.now(UTC))[:13]
    queue = name.rpartition(".")[2]
    status = {"status": "FAILURE", "status_key": f"FAILURE#{hour}", "queue": queue, "result": b'{"status":"FAILURE"}'}
    deliveries.put_record(bench, task_id, name, **status | attributes)
    return task_id


def job(bench: Bench, role: Role, action: str, where: dict[str, Any], *done: str, **fields: Any) -> None:
    """Run a job and check that it processed at least these tasks."""
    given = {"action": action, "where": where, "arguments": {}, "who": "probe"}
    outcome = deliveries.deliver(bench, role, given, **fields)
    key = outcome["key"]
    bucket = bench.stack.outputs["MediaBucketName"]
    lines = b"".join(
        bench.stack.client("s3").get_object(Bucket=bucket, Key=f"{key}{part:06}.jsonl")["Body"].read()
        for part in range(outcome["parts"])
    ).splitlines()
    outcomes = {each["id"]: each["outcome"] for each in map(json.loads, lines)}
    assert set(done) <= outcomes.keys(), outcomes
    assert not [outcomes[task_id] for task_id in done if outcomes[task_id] not in {"DELETED", "RETRIED", "REVOKED"}]


def deletes(bench: Bench, role: Role) -> None:
    """Delete records and their objects in the bucket, selected by item."""
    item_id, key = bench.item(), f"payloads/{uuid.uuid4().hex}/kwargs-1.json"
    bench.put_object(key, b"{}")
    task_id = ended(bench, item_id=item_id, payloads={"kwargs": {"key": key, "bytes": 2}})
    job(bench, role, "delete", {"item_id": item_id}, task_id)
    assert not bench.record(task_id)
    assert not bench.has_object(key)


def retries(bench: Bench, role: Role) -> None:
    """Select by worker: one task of an item, one with large arguments."""
    worker, item_id = f"w@{uuid.uuid4().hex}", bench.item()
    key = f"payloads/{uuid.uuid4().hex}/kwargs-1.json"
    items = [bench.item() for _ in range(2)] * (payloads.INLINE_BYTES // 38)
    bench.put_object(key, json.dumps({"item_ids": items[:1000]}).encode())
    name = "inventory.tasks.generate_index_cards"
    found = [
        ended(bench, worker=worker, name=deliveries.QR_CODE, kwargs={"item_id": item_id}),
        ended(bench, worker=worker, name=name, payloads={"kwargs": {"key": key, "bytes": 20_000}}),
    ]
    job(bench, role, "retry", {"worker": worker}, *found)


def revokes(bench: Bench, role: Role) -> None:
    """Revoke delayed tasks and their schedules, selected by name."""
    name, task_id = f"probe.{uuid.uuid4().hex}", str(uuid.uuid4())
    tomorrow = clock.text(datetime.now(UTC) + timedelta(days=1))
    deliveries.put_record(bench, task_id, name, status="PENDING", eta=tomorrow, queue="generate_qr_code")
    job(bench, role, "revoke", {"name": name, "status": "PENDING"}, task_id)
    assert delays.name_of(task_id)


def finds_by_status_and_by_name(bench: Bench, role: Role) -> None:
    name = f"probe.{uuid.uuid4().hex}"
    task_id = ended(bench, name=name)
    job(bench, role, "delete", {"status": "FAILURE", "name": name}, task_id)
    job(bench, role, "delete", {"name": name})


def purges(bench: Bench, role: Role) -> None:
    """Purge messages without a record."""
    queue, task_id = bench.queue("update_average_lead_times"), str(uuid.uuid4())
    body = wire.encode(wire.Message(task_id=task_id, name=LEAD_TIMES), "probe")
    with bench.alone_with(queue):
        bench.stack.client("sqs").purge_queue(QueueUrl=queue)
        sent = bench.stack.client("sqs").send_message(QueueUrl=queue, MessageBody=body)
        job(bench, role, "purge", {"name": LEAD_TIMES}, task_id)
        got = bench.stack.client("sqs").receive_message(QueueUrl=queue, VisibilityTimeout=0, MaxNumberOfMessages=10)
    assert sent["MessageId"] not in [each["MessageId"] for each in got.get("Messages", [])], "it is still there"


def continues_after_a_finished_page(bench: Bench, role: Role) -> None:
    """A second attempt reads the outcomes of the first one."""
    name = f"probe.{uuid.uuid4().hex}"
    ended(bench, name=name)
    given = {"action": "delete", "where": {"name": name}, "arguments": {}, "who": "probe"}
    task_id = deliveries.waiting(bench, role, timedelta(seconds=-1), **given)
    bench.put_object(jobs.key_of(task_id, 0), b'{"id": "before", "outcome": "DELETED", "detail": ""}\n')
    job(bench, role, "delete", {"name": name}, "before", task_id=task_id)


EVERY_JOB = [deletes, retries, revokes, finds_by_status_and_by_name, purges, continues_after_a_finished_page]
