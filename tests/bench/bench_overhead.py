"""The engine's own processor time for a task, beside the requests that it sends: the figure that holds on AWS as well.

No server answers: what moto said the first time is said again for every further delivery of the same message, and the
very same requests without an engine are timed in turns with it.
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
        # what the engine logs is formatted like elsewhere, and read by nobody
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
    yield Figure("their processor time without an engine", alone, "ms", None)
    yield Figure("the engine's own beside them", statistics.median(engine) - alone, "ms", 4)


def _function() -> Callable[[dict[str, Any], Any], Any]:
    """The function of a task that does nothing."""

    @tasks.task(TASK)
    def nothing() -> None:
        """Nothing."""

    return handler.lambda_handler(nothing)


def _record(message_id: str) -> dict[str, Any]:
    """A message as a queue hands it over."""
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
    """The first delivery, which moto answers: its requests, to be sent again, and the answers."""
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
    """Processor time of one delivery, of many with the same answers."""
    given = itertools.cycle(answers)
    with patch.object(botocore_stubber, "process_request", lambda _request: next(given)):
        work()
        began = time.process_time()
        for _ in range(DELIVERIES):
            work()
        return (time.process_time() - began) / DELIVERIES * 1000
