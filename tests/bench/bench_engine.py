"""The engine on the local stack: time from submission to SUCCESS, tasks a second, and import times of handlers."""

from __future__ import annotations

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local.ministack import ROOT
from infra.local.stack import LocalStack, local_stack
from tests import shells
from tests.bench.figures import Figure
from tests.template import resources
from tests.waiting import wait_for

WARM_TASKS = 20
THROUGHPUT_TASKS = 500
IMPORTS = 5
ROUNDS = 3
SENDERS = 4
QR = "generate_qr_code"
DUMP = ROOT / "tests/data/openmakersuite-dump.json"
ITEM = {"owner": {"S": "item#94cb6421-7fa1-4dab-802f-ec76eba2bfe7"}, "entry": {"S": "item"}}

# The requests of a QR task (its record claimed, the item read, two objects written, its record finished) with no queue,
# no function, no QR code to draw and a record with only its status. Starts when it reads a line.
BARE = """
import os, sys
import boto3
dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
tasks, inventory, bucket, item, rounds = sys.argv[1:]
read = {"TableName": inventory, "Key": {"owner": {"S": item}, "entry": {"S": "item"}}}
def mark(task, status):
    dynamodb.update_item(
        TableName=tasks, Key={"id": {"S": task}}, UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"}, ExpressionAttributeValues={":status": {"S": status}},
    )
dynamodb.get_item(**read)
s3.head_bucket(Bucket=bucket)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(rounds)):
    name = f"bare-{os.getpid()}-{number}"
    mark(name, "STARTED")
    dynamodb.get_item(**read)
    s3.put_object(Bucket=bucket, Key=f"inventory/qrcodes/{name}.png", Body=b"x" * 800)
    mark(name, "SUCCESS")
"""


def rows() -> Iterator[Figure]:
    """Everything this module measures; takes about a minute."""
    yield from imports()
    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder)) as stack:
        item = {"kind": "item", "name": "Bench vice", "listing": "item", "sort_name": "bench vice"}
        stack.client("dynamodb").put_item(
            TableName=stack.outputs["InventoryTableName"],
            Item={**ITEM, **{name: {"S": value} for name, value in item.items()}},
        )
        yield from latency(stack)
        yield from throughput(stack)


def imports() -> Iterator[Figure]:
    """Import time of each handler compared with boto3 and one client, in new interpreters, alternately.

    In processor time, which another program on the machine does not change.
    """
    baseline_code = "import boto3; boto3.client('sqs')"
    paths = [ROOT / "functions", *sorted((ROOT / "layers").glob("*/python"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "AWS_DEFAULT_REGION": "us-east-1"}
    handlers = sorted(
        each["Properties"]["Handler"].rpartition(".")[0]
        for each in resources().values()
        if each["Type"] == "AWS::Serverless::Function"
    )
    times: dict[str, list[float]] = {code: [] for code in [baseline_code, *(f"import {name}" for name in handlers)]}
    for _, (code, taken) in itertools.product(range(IMPORTS), times.items()):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)  # noqa: S603 - our own code
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    baseline = statistics.median(times[baseline_code])
    for handler in handlers:
        own = statistics.median(times[f"import {handler}"])
        bound = 2.0 if handler.startswith("api.") else 1.5
        yield Figure(f"import {handler}", own / baseline, "× boto3 and one client", bound)


def latency(stack: LocalStack) -> Iterator[Figure]:
    """Milliseconds from submission to the record's `done`, one warm QR task at a time."""
    taken = []
    for number in range(WARM_TASKS + 3):
        task = finish(stack, stack.api.submit(QR, item_id=ITEM["owner"]["S"].removeprefix("item#")))
        if number >= 3:
            taken.append(seconds(task["done"]) - seconds(task["created"]))
    yield Figure("submit to SUCCESS, warm QR task", statistics.median(taken) * 1000, "ms (median)", 150)


def throughput(stack: LocalStack) -> Iterator[Figure]:
    """QR tasks a second, the best of several rounds: the first ones start the functions."""
    rate = max(_round(stack) for _ in range(ROUNDS))
    floor = bare(stack)
    yield Figure(f"{THROUGHPUT_TASKS} QR tasks", rate, "tasks a second", 80, "at least")
    yield Figure("the same requests without makertasks, for comparison", floor, "tasks a second", None)
    yield Figure("QR tasks compared with their requests alone", rate / floor, "×", 0.5, "at least")


def _round(stack: LocalStack) -> float:
    """QR tasks a second, from the first message sent until the last task is done."""
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{stack.name}-tasks-generate_qr_code")["QueueUrl"]
    body = json.dumps({"item_id": ITEM["owner"]["S"].removeprefix("item#")})
    began = time.time()
    for start in range(0, THROUGHPUT_TASKS, 10):
        entries = [{"Id": str(number), "MessageBody": body} for number in range(start, start + 10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty() -> bool:
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(int(value) == 0 for value in counts.values())

    wait_for(empty, "the queue to be empty", 120)
    newest = max(seconds(task["done"]) for task in stack.api.get("/v1/tasks", limit=100, status="SUCCESS")["tasks"])
    return THROUGHPUT_TASKS / (newest - began)


def bare(stack: LocalStack) -> float:
    """Tasks a second that the local AWS can process: `BARE` in several processes at a time."""
    stack.api.request("POST", f"/v1/queues/{QR}/pause").raise_for_status()
    outputs = [stack.outputs[name] for name in ("TasksTableName", "InventoryTableName", "MediaBucketName")]
    rounds = THROUGHPUT_TASKS // SENDERS
    command = [sys.executable, "-c", BARE, *outputs, ITEM["owner"]["S"], str(rounds)]
    with ExitStack() as stacked:
        senders = [
            stacked.enter_context(
                subprocess.Popen(  # noqa: S603 - our own code
                    command, env=shells.shell(stack.endpoint), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(SENDERS)
        ]
        for sender in senders:
            assert sender.stdout
            assert sender.stdout.readline() == "ready\n"
        began = time.perf_counter()
        for sender in senders:
            assert sender.stdin
            sender.stdin.write("\n")
            sender.stdin.flush()
        assert [sender.wait() for sender in senders] == [0] * SENDERS
        return rounds * SENDERS / (time.perf_counter() - began)


def finish(stack: LocalStack, task_id: str) -> dict[str, Any]:
    """The task once it has succeeded."""

    def ended() -> dict[str, Any] | bool:
        task = stack.api.get(f"/v1/tasks/{task_id}")
        return task if task["status"] == "SUCCESS" else False

    return wait_for(ended, f"task {task_id} to succeed")  # type: ignore[return-value]


def seconds(text: str) -> float:
    """Epoch seconds of a record's time."""
    return datetime.fromisoformat(text).timestamp()
