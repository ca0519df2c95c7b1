"""A small task whose behaviour a test chooses, with its queue on moto."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from lambda_queue import Queue

from makertasks import tasks, wire
from makertasks.records import table as records
from makertasks.submission import producer
from makertasks.submission.producer import Submission
from makertasks.worker import handler as worker

NAME = "tests.echo"


@dataclass
class Echo:
    """A task whose next runs follow the test's plan."""

    queue: Queue
    time_passes: Callable[..., None]
    plan: list = field(default_factory=list)
    calls: list = field(default_factory=list)

    def submit(self, text="hello", *, idempotency_key=None, **options):
        wanted = Submission(NAME, {"text": text}, **options)
        return producer.submit(wanted, idempotency_key=idempotency_key).task_id

    def record(self, task_id):
        return records.get(task_id)

    def result(self, task_id):
        return wire.parse_result_meta(records.get(task_id).result)


@pytest.fixture
def echo(aws, tasks_table, time_passes, monkeypatch):
    monkeypatch.setattr(tasks, "_registry", dict(tasks._registry))

    @tasks.task(NAME, max_retries=2)
    def echo(text: str, times: int = 1) -> dict:
        """Return the text."""
        state.calls.append(text)
        if state.plan:
            step = state.plan.pop(0)
            if isinstance(step, BaseException):
                raise step
            return step()
        return {"text": text * times}

    aws.client("sqs").create_queue(QueueName="unit-tasks-echo")
    queue = Queue(aws.client("sqs"), "unit-tasks-echo", worker.lambda_handler(echo))
    state = Echo(queue, time_passes)
    return state
