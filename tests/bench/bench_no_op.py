"""A no-op task: here and with stock Celery on the same local AWS (SQS as broker, DynamoDB for results)."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from infra.local.stack import LocalStack, local_stack
from makertasks import wire
from tests import copies, shells
from tests.bench import processor
from tests.bench.bench_engine import seconds
from tests.bench.figures import Figure
from tests.template import ROOT
from tests.waiting import wait_for

TASK = "inventory.tasks.nothing"
TASKS = 500
ROUNDS = 3
ALONE = 20  # tasks, each sent when the previous one has finished
CELERY = ROOT / ".local/celery-newest/bin/celery"
STOCK = "stock"  # stock Celery's queue and table
# A stock worker's fastest setting; its default of four messages per process mostly waits for SQS.
PREFETCH = 64
PROCESSES = 4

HANDLER = f'''"""Does nothing."""
from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler


@task("{TASK}")
def nothing() -> None:
    """Nothing."""


handler = lambda_handler(nothing)
'''
WORKER = f"""
import os
from celery import Celery
app = Celery("bench", broker="sqs://", backend=f"dynamodb://@us-east-1/{STOCK}")
queues = {{"{STOCK}": {{"url": os.environ["QUEUE_URL"]}}}}
app.conf.update(
    broker_transport_options={{"region": "us-east-1", "predefined_queues": queues}},
    task_default_queue="{STOCK}", worker_prefetch_multiplier={PREFETCH // PROCESSES},
    worker_enable_remote_control=False,
)
@app.task(name="{TASK}")
def nothing(): pass
"""


def rows() -> Iterator[Figure]:
    """Everything this module measures; takes about two minutes."""
    with tempfile.TemporaryDirectory() as folder:
        template = _with_task(Path(folder))
        with local_stack(Path(folder) / "aws", template=template) as stack:
            ours, stock = _ours(stack), _stock(stack, Path(folder))
            # alternately, because other load may slow down either
            rates = [(ours.rate(), stock.rate()) for _ in range(ROUNDS)]
            spent = ours.spent, stock.spent
            waits = (ours.latency(), stock.latency())
    rate, stocks = (max(each) for each in zip(*rates, strict=True))
    yield Figure("no-op tasks from a full queue", rate, "tasks a second", None)
    yield Figure(f"stock Celery, {PREFETCH} messages prefetched", stocks, "tasks a second", None)
    yield Figure("no-op tasks, ratio to stock Celery", rate / stocks, "×", 1, "at least")
    yield from _processor_time(stack.name, *spent)
    yield Figure("one no-op, from sent to done", waits[0] * 1000, "ms (median)", None)
    yield Figure("stock Celery, from sent to done", waits[1] * 1000, "ms (median)", None)
    yield Figure("one no-op, ratio to stock Celery", waits[0] / waits[1], "×", 0.4)


def _processor_time(stack: str, ours: Counter[str], stock: Counter[str]) -> Iterator[Figure]:
    """CPU time of a task on this machine, which limits both rates."""
    each = 1000 / ((TASKS - TASKS // 10) * ROUNDS)
    kinds = {
        "its function": ours[f"{stack}-nothing"], "counting it": ours[f"{stack}-task_events"],
        "the local AWS": ours["local AWS"], "stock Celery's worker": stock["worker"],
        "the local AWS for stock Celery": stock["local AWS"],
    }  # fmt: skip
    for name, seconds_spent in kinds.items():
        yield Figure(f"CPU time of a no-op, {name}", seconds_spent * each, "ms", None)


def _with_task(folder: Path) -> Path:
    """template.yaml of a copy of the project that contains the task."""
    copy = copies.project(folder)
    added = copies.run(copy, sys.executable, "-m", "infra.new_task", "nothing")
    assert added.returncode == 0, added.stderr
    (copy / "functions/nothing/handler.py").write_text(HANDLER)
    return copy / "template.yaml"


@dataclass
class Side:
    """One of the two systems: its queue, its table, and how to start and stop its workers."""

    stack: LocalStack
    url: str
    table: str
    working: Callable[[], AbstractContextManager[Any]]
    spent: Counter[str] = field(default_factory=Counter)  # CPU seconds of all rounds, by kind of process

    def rate(self) -> float:
        """Tasks a second, from the end of the first tenth to the end of the last task."""
        sent = [self._send() for _ in range(TASKS)]
        with self.working():
            begun = self._done(sent[: TASKS // 10])  # the worker has started by then
            before = processor.times()
            done = sorted(begun + self._done(sent[TASKS // 10 :]))
            self.spent += processor.between(before, processor.times())
        return (TASKS - TASKS // 10) / (done[-1] - done[TASKS // 10 - 1])

    def latency(self) -> float:
        """Seconds from sending a message to its task's end, one at a time, without the first ones."""
        taken = []
        with self.working():
            for _ in range(ALONE):
                began = time.time()
                taken.append(self._done([self._send()])[0] - began)
        return statistics.median(taken[ALONE // 4 :])

    def _send(self) -> str:
        task_id = str(uuid.uuid4())
        body = wire.encode(wire.Message(task_id, TASK, args=[], kwargs={}), self.url.rpartition("/")[2])
        self.stack.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)
        return task_id

    def _done(self, task_ids: list[str]) -> list[float]:
        """When each task ended, in epoch seconds, from its result in Celery's format."""
        dynamodb = self.stack.client("dynamodb")

        def ended(task_id: str) -> float | None:
            key = {"id": {"S": wire.result_key(task_id)}}
            found = dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})
            result = json.loads(found["result"]["B"]) if "result" in found else {}
            return seconds(result["date_done"]) if result.get("status") == "SUCCESS" else None

        return [wait_for(partial(ended, task_id), f"{task_id} to succeed", 120) for task_id in task_ids]


def _ours(stack: LocalStack) -> Side:
    """The task's function, which its queue starts."""
    url = stack.client("sqs").get_queue_url(QueueName=f"{stack.name}-tasks-nothing")["QueueUrl"]

    @contextmanager
    def working() -> Iterator[None]:
        stack.api.request("POST", "/v1/queues/nothing/resume").raise_for_status()
        yield
        stack.api.request("POST", "/v1/queues/nothing/pause").raise_for_status()

    stack.api.request("POST", "/v1/queues/nothing/pause").raise_for_status()
    return Side(stack, url, stack.outputs["TasksTableName"], working)


def _stock(stack: LocalStack, folder: Path) -> Side:
    """A stock worker with its own queue and table."""
    url = stack.client("sqs").create_queue(QueueName=STOCK)["QueueUrl"]
    stack.client("dynamodb").create_table(
        TableName=STOCK,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    (folder / "bench_app.py").write_text(WORKER)
    environment = {**shells.shell(stack.endpoint), "QUEUE_URL": url}
    command = [CELERY, "-A", "bench_app", "worker", "-c", str(PROCESSES), "--without-gossip", "--without-mingle"]

    @contextmanager
    def working() -> Iterator[None]:
        with (folder / "worker.log").open("w") as log:
            worker = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)  # noqa: S603 - ours
            try:
                yield
            finally:
                assert worker.poll() is None, (folder / "worker.log").read_text()
                worker.terminate()
                worker.wait(30)

    return Side(stack, url, STOCK, working)
