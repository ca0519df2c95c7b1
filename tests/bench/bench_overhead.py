"""The engine's own CPU time for a task, without its requests: the figure that also applies on AWS.

No server is involved: moto's first responses are replayed for every further delivery of the same message, and the
same requests without the engine are timed alternately with it.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from moto import mock_aws
from moto.core.models import botocore_stubber

from makertasks import tasks
from makertasks.worker import handler
from tests.bench.figures import Figure
from tests.engine.lambda_queue import LambdaContext
from tests.on_moto import ENVIRONMENT, aws_clients, create_table

TASK = "bench.nothing"
DELIVERIES = 300
ROUNDS = 5


def rows() -> Iterator[Figure]:
    """Everything this module measures; takes about fifteen seconds."""
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, ENVIRONMENT))
        stack.enter_context(mock_aws())
        create_table(aws_clients, "TasksTable", os.environ["TASKS_TABLE"])
        # log lines are formatted as usual, and discarded
        quiet = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(redirect_stdout(quiet))
        deliver = _function()
        deliver({"Records": [_record("warm")]}, LambdaContext())
        event = {"Records": [_record("measured")]}
        calls, answers = _first(lambda: deliver(event, LambdaContext()))
        engine, requests = [], []
        for _ in range(ROUNDS):
            engine.append(_milliseconds(lambda: deliver(event, LambdaContext()), answers))
            requests.append(_milliseconds(lambda: [call() for call in calls], answers))
    alone = statistics.median(requests)
    yield Figure("requests of a task that does nothing", len(calls), "requests", 2)
    yield Figure("CPU time of these requests alone", alone, "ms", None)
    yield Figure("CPU time of the engine itself", statistics.median(engine) - alone, "ms", 4)


def _function() -> Callable[[dict[str, Any], Any], Any]:
    """The function of a task that does nothing."""

    @tasks.task(TASK)
    def nothing() -> None:
        """Nothing."""

    return handler.lambda_handler(nothing)


def _record(message_id: str) -> dict[str, Any]:
    """A message as Lambda receives it from a queue."""
    return {
        "messageId": message_id,
        "receiptHandle": "handle",
        "body": json.dumps({}),
        "attributes": {"SentTimestamp": str(int(time.time() * 1000)), "ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:unit-tasks-nothing",
    }


def _first(deliver: Callable[[], Any]) -> tuple[list[Callable[[], Any]], list[Any]]:
    """The requests and responses of the first delivery, which runs on moto, to be replayed."""
    calls: list[Callable[[], Any]] = []
    answers: list[Any] = []
    send, ask = BaseClient._make_api_call, botocore_stubber.process_request

    def sent(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append(lambda: send(client, operation, parameters))
        return send(client, operation, parameters)

    def answered(request: Any) -> Any:
        answers.append(ask(request))
        return answers[-1]

    with patch.object(BaseClient, "_make_api_call", sent), patch.object(botocore_stubber, "process_request", answered):
        assert deliver() == {"batchItemFailures": []}
    return calls, answers


def _milliseconds(work: Callable[[], Any], answers: list[Any]) -> float:
    """CPU time of one delivery, measured over many with the same responses."""
    given = itertools.cycle(answers)
    with patch.object(botocore_stubber, "process_request", lambda _request: next(given)):
        work()
        began = time.process_time()
        for _ in range(DELIVERIES):
            work()
        return (time.process_time() - began) / DELIVERIES * 1000
