"""A run: many tasks, faults injected into some, then a check of all invariants."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ReadTimeoutError

from infra.local.ministack import free_port
from infra.local.stack import LocalStack, local_stack
from makertasks import wire
from tests.faults.gate import Gate, gate_to
from tests.faults.plan import ATTEMPTS, SEED, Plan
from tests.faults.project import project
from tests.waiting import wait_for

FINAL = {"SUCCESS", "FAILURE", "REVOKED"}
FEED = 200  # tasks per call
OUTAGE_SECONDS = 10.0
# A sweep reads every unfinished task: seconds between sweeps, and additional seconds per task of the run.
SWEEP_SECONDS, SWEEP_SECONDS_PER_TASK = 2.0, 0.02
LOOK_SECONDS = 1.0
# The function's time-out in seconds: short for short runs; longer if many functions start at the same time, which takes
# longer, so that only the intended tasks time out.
MANY, TIMEOUT, LONG_TIMEOUT = 500, 10, 20
# A run that has not finished by then has lost something: seconds, and additional seconds per task.
PATIENCE, PATIENCE_PER_TASK = 180.0, 1.0


@dataclass
class Run:
    """A stack, a plan, and its outcome."""

    stack: LocalStack
    plan: Plan
    gate: Gate
    unreadable_ids: list[str] = field(default_factory=list)
    restarts: int = 0
    ended_before: dict[str, list[str]] = field(default_factory=dict)  # changes read from streams before a restart
    calm: threading.Lock = field(default_factory=threading.Lock)  # held while a restart must not happen

    def send(self) -> None:
        """Submit everything, with duplicates and unreadable messages in between."""
        sqs, url = self.stack.client("sqs"), self.queue("tasks-chaos")
        sent = [task_id for task_id in self.plan.tasks if task_id not in set(self.plan.unsent)]
        for start in range(0, len(sent), FEED):
            part = sent[start : start + FEED]
            with self.calm:
                self._feed(part, self.plan.unsent if not start else [])
                for task_id in set(part) & set(self.plan.doubled):
                    message = wire.Message(task_id=task_id, name="tests.chaos", kwargs=self.plan.tasks[task_id])
                    sqs.send_message(QueueUrl=url, MessageBody=wire.encode(message, "chaos"))
        with self.calm:
            for number in range(self.plan.unreadable):
                body = ["not a message", base64.b64encode(b'{"body": 7').decode(), '{"half": '][number % 3]
                self.unreadable_ids.append(sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"])

    def restart(self) -> None:
        """Restart the local AWS: functions stop in the middle of their tasks, and streams start again."""
        with self.calm:
            self.ended_before = self.endings()
            self.stack.aws.stop()
            self.stack.aws.start()
            self.restarts += 1

    def recount(self) -> dict[str, Any]:
        """Run `makertasks recount`, which repairs counters for changes that a stopped local AWS lost."""
        environment = dict(line.split("=", 1) for line in self.stack.environment.read_text().splitlines())
        printed = subprocess.run(
            [sys.executable, "-m", "makertasks", "recount", "--behind", "0", "--json"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(json.loads(printed.stdout))

    def _feed(self, sent: list[str], unsent: list[str]) -> None:
        """One bulk call, repeated if services are unavailable, without duplicates."""
        event: dict[str, Any] = {
            "max_retries": dict.fromkeys(self.plan.used_up, ATTEMPTS - 1),
            "tasks": [[task_id, self.plan.tasks[task_id]] for task_id in sent],
            "unsent": [[task_id, self.plan.tasks[task_id]] for task_id in unsent],
        }

        def accepted() -> bool:
            try:
                payload = self.invoke("feeder", event)
            except ReadTimeoutError:  # a busy machine
                return False
            if "errorType" in payload:
                assert payload["errorType"] == "Unavailable", payload
                return False
            assert all(
                "table did not" in each["reason"] or "table could not" in each["reason"] or "refused" in each["reason"]
                for each in payload["rejected"]
            )
            return not payload["rejected"] and payload["ids"] == sent

        wait_for(accepted, "every task to be accepted", PATIENCE)

    def sweep(self) -> dict[str, Any]:
        """Sweep as the schedule does every five minutes; returns the response, or an error during an outage."""
        return self.invoke("sweeper", {})

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        """Invoke a function; returns its response or error."""
        name = f"{self.stack.name}-{function}"
        answer = self.stack.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return dict(json.load(answer["Payload"]))

    def queue(self, kind: str) -> str:
        return self.stack.client("sqs").get_queue_url(QueueName=f"{self.stack.name}-{kind}")["QueueUrl"]

    def waiting(self, kind: str) -> int:
        """Messages in a queue: visible, delayed or in flight."""
        names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
        answer = self.stack.client("sqs").get_queue_attributes(QueueUrl=self.queue(kind), AttributeNames=names)
        return sum(map(int, answer["Attributes"].values()))

    def records(self) -> dict[str, dict[str, Any]]:
        """All tasks of the table by id."""
        pages = (
            self.stack.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.stack.outputs["TasksTableName"], ConsistentRead=True)
        )
        items = (plain(item) for page in pages for item in page["Items"])
        return {wire.task_id_of(item["id"]): item for item in items if "status" in item}

    def come_to_rest(self) -> dict[str, dict[str, Any]]:
        """Sweep repeatedly until every task is final and the queues are empty; returns the records."""
        expected = len(self.plan.tasks) + self.plan.unreadable
        pause = SWEEP_SECONDS + SWEEP_SECONDS_PER_TASK * expected
        swept = looked = 0.0
        seen, answer = "", {}

        def at_rest() -> dict[str, dict[str, Any]] | None:
            nonlocal swept, looked, seen, answer
            present = time.monotonic()
            if present - looked < LOOK_SECONDS:
                return None
            looked = present
            if present - swept > pause:
                answer = self.sweep()
                swept = time.monotonic()
            found, waiting = self.records(), {name: self.waiting(name) for name in ("tasks-chaos", "dead-letters")}
            unended = {task_id: record for task_id, record in found.items() if record["status"] not in FINAL}
            seen = f"{len(found)} of {expected} tasks, messages {waiting}, not ended {unended}, sweep {answer}"
            return found if not unended and not any(waiting.values()) and len(found) >= expected else None

        patience = PATIENCE + PATIENCE_PER_TASK * expected
        try:
            return wait_for(at_rest, "every task to end and the queues to be empty", patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; seen: {seen}") from None

    def effects(self) -> Counter[str]:
        """How often each number occurs in the bucket; each object contains one number."""
        pages = (
            self.stack.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.stack.outputs["MediaBucketName"], Prefix="inventory/qrcodes/effects/")
        )
        return Counter(entry["Key"].rpartition("/")[2] for page in pages for entry in page.get("Contents", []))

    def endings(self) -> dict[str, list[str]]:
        """All changes of each task's status to or from a final one, from the table's stream."""
        streams = self.stack.client("dynamodbstreams")
        table = self.stack.client("dynamodb").describe_table(TableName=self.stack.outputs["TasksTableName"])["Table"]
        arn = table["LatestStreamArn"]
        found = defaultdict(list, {task_id: list(changes) for task_id, changes in self.ended_before.items()})
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                page = streams.get_records(ShardIterator=iterator, Limit=1000)
                for record in page["Records"]:
                    images = record["dynamodb"]
                    old, new = (plain(images.get(name, {})) for name in ("OldImage", "NewImage"))
                    if old.get("status") != new.get("status") and {old.get("status"), new.get("status")} & FINAL:
                        found[wire.task_id_of(new["id"])].append(f"{old.get('status')}→{new.get('status')}")
                iterator = page.get("NextShardIterator") if page["Records"] else None
        return found

    def counted(self) -> Counter[tuple[str, str, str]]:
        """Tasks by hour, name and status, according to the counters."""
        pages = (
            self.stack.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.stack.outputs["CountersTableName"], ConsistentRead=True)
        )
        cells = [plain(item) for page in pages for item in page["Items"]]
        counts: Counter[tuple[str, str, str]] = Counter()
        for cell in cells:
            if len(cell["period"]) == len("2026-11-22"):
                hour, _, name = cell["cell"].partition("#")
                for status, number in cell.get("counts", {}).items():
                    counts[f"{cell['period']}T{hour}", name, status] += int(number)
        return counts

    def counters_equal(self, table: Counter[tuple[str, str, str]]) -> None:
        """Wait until the counters, which lag slightly, agree with the table."""

        def equal() -> bool:
            return self.counted() == table

        try:
            wait_for(equal, "the counters to agree with the table", 30)
        except AssertionError:
            assert dict(self.counted()) == dict(table)


def plain(item: dict[str, Any]) -> dict[str, Any]:
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in item.items()}


@contextmanager
def run(folder: Path, size: int, *, seed: int = SEED, restarts: int = 0) -> Iterator[Run]:
    """Send everything, with faults, an outage and restarts of the local AWS."""
    port = free_port()
    with gate_to(port) as gate:
        template = project(
            folder / "project", f"http://127.0.0.1:{gate.own_port}", TIMEOUT if size < MANY else LONG_TIMEOUT
        )
        with (
            local_stack(
                folder / "aws", port=port, template=template, persist=bool(restarts), SweepPatienceSeconds="5"
            ) as stack,
            ThreadPoolExecutor(1) as pool,
        ):
            stack.write_environment()
            running = Run(stack, Plan.of(size, seed), gate)
            sending = pool.submit(running.send)
            wait_for(running.effects, "the first task to be done", PATIENCE)
            gate.close(OUTAGE_SECONDS)
            for number in range(1, restarts + 1):
                enough = size * number // (restarts + 2)
                wait_for(lambda: len(running.effects()) >= enough, f"{enough} tasks to be done", PATIENCE + size)  # noqa: B023
                running.restart()
            sending.result()
            yield running
