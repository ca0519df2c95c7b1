"""A task continues the trace of its submission: what a function sends carries its invocation's trace.

SQS takes the trace from the request's header and forwards it with the message, from which Lambda continues it:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-tracing.html
"""

from __future__ import annotations

import io
import json

import pytest
from echo_task import NAME

from makertasks.aws import session
from makertasks.submission import bulk, producer
from makertasks.submission.producer import Submission
from makertasks.worker import handler as worker

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def sent(echo, monkeypatch):
    """Trace headers of what is sent to queues, as (operation, header)."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "unit-api")  # as Lambda sets both
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)
    found = []

    def note(request, **_):
        header = request.headers.get("X-Amzn-Trace-Id", b"")
        found.append((request.headers["X-Amz-Target"].decode().rpartition(".")[2], header.decode()))

    events = session.client("sqs").meta.events
    events.register("before-send.sqs", note, unique_id="traces")
    yield found
    events.unregister("before-send.sqs", unique_id="traces")


def test_a_submitted_task_carries_its_callers_trace(sent):
    producer.submit(Submission(NAME, {"text": "hello"}))
    assert ("SendMessage", TRACE) in sent


def test_a_batch_carries_its_callers_trace(sent):
    bulk.submit_many([Submission(NAME, {"text": "hello"})])
    assert ("SendMessageBatch", TRACE) in sent


def test_log_lines_name_the_trace_and_the_task(echo, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)
    written = io.StringIO()
    monkeypatch.setattr(worker.logger.registered_handler, "stream", written)
    task_id = echo.submit("hello")
    echo.queue.deliver()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    about = [line for line in lines if line.get("task_id") == task_id]
    assert {"task started", "task ended"} <= {line["message"] for line in about}
    assert {line["xray_trace_id"] for line in about} == {"1-5759e988-bd862e3fe1be46a994272793"}
