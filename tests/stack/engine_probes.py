"""What every task's function does besides its own work, as probes of its role (see probes.py)."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

from makertasks import wire
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.submission import delays
from tests.stack.deliveries import (
    QR_CODE,
    Probe,
    arguments,
    body_of,
    deliver,
    full_name,
    received,
    short_name,
    sqs_record,
    waiting,
)
from tests.stack.rights import Bench, Role


def refuses_invalid_arguments(bench: Bench, role: Role) -> None:
    """Invalid arguments are recorded as FAILURE."""
    deliver(bench, role, {"no_such_argument": 1}, ends_as="FAILURE")


def resends_a_message(bench: Bench, role: Role) -> None:
    """A message that was delivered many times before its ETA is resent as a new one."""
    task_id = waiting(bench, role, timedelta(minutes=5))
    deliver(bench, role, arguments(bench, role), ends_as="RETRY", task_id=task_id, received=99)


def returns_until_the_eta(bench: Bench, role: Role) -> None:
    """A message received before its ETA becomes visible at its ETA, long before the queue's visibility time-out."""
    refuses_invalid_arguments(bench, role)  # starts the function, because seconds count below
    sqs, queue, given = bench.stack.client("sqs"), bench.queue(short_name(role)), arguments(bench, role)
    task_id = waiting(bench, role, timedelta(seconds=2.5))
    with bench.alone_with(queue):
        sent = sqs.send_message(QueueUrl=queue, MessageBody=body_of(role, given, task_id=task_id))
        is_ours = lambda message: message["MessageId"] == sent["MessageId"]  # noqa: E731
        message = received(bench, queue, is_ours, seconds=2)
        assert bench.invoke(role, {"Records": [sqs_record(message)]})["batchItemFailures"]
        received(bench, queue, is_ours, seconds=8)


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


def schedules_distant_tasks(bench: Bench, role: Role) -> None:
    """A task for tomorrow gets its own schedule."""
    task_id = str(uuid.uuid4())
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    deliver(bench, role, arguments(bench, role), ends_as="PENDING", task_id=task_id, eta=tomorrow)
    schedule = {"GroupName": f"{bench.stack.name}-delays", "Name": delays.name_of(task_id)}
    bench.stack.client("scheduler").delete_schedule(**schedule)


EVERY_TASK: list[Probe] = [
    refuses_invalid_arguments,
    resends_a_message,
    ends_a_chord,
    reads_large_arguments,
    writes_large_arguments,
    schedules_distant_tasks,
    returns_until_the_eta,
]
