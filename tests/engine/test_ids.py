"""Ids that no page could open are refused at every entry point; an unreadable message's record gives the reason."""

from __future__ import annotations

import base64
import json

import pytest
from api_calls import call, pool, token  # noqa: F401 - pool is a fixture
from echo_task import NAME
from test_dead_letters import dead  # noqa: F401 - a fixture

from makertasks import wire
from makertasks.control import revoking
from makertasks.errors import InvalidRequest
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import bulk, producer
from makertasks.submission.producer import Submission
from makertasks.worker import dead_letters

# id: the expected reason
UNFIT = {
    ".": "which no address can end with",
    "..": "which no address can end with",
    "": "not text of 1 to 255 bytes",
    "a" * 256: "not text of 1 to 255 bytes",
    "é" * 128: "not text of 1 to 255 bytes",
    "a\x00": "control characters",
    "a\n": "control characters",
    "\x1b[2J": "control characters",
    "a\x7f": "control characters",
    "a\x85b": "control characters",
}
each_id = pytest.mark.parametrize("task_id", UNFIT, ids=lambda task_id: ascii(task_id)[:14])


@each_id
def test_a_submission_with_an_invalid_id_is_refused(echo, task_id):
    with pytest.raises(InvalidRequest, match=UNFIT[task_id]) as refused:
        producer.submit(Submission(NAME, {"text": "x"}, task_id=task_id))
    assert refused.value.field == "task_id"
    [rejected] = bulk.submit_many([Submission(NAME, {"text": "x"}, task_id=task_id)]).rejected
    assert (rejected.field, UNFIT[task_id] in rejected.reason) == ("task_id", True)
    assert echo.queue.count() == 0


@each_id
def test_the_api_refuses_such_an_id(echo, counters_table, task_id):
    bearer = token("operators")
    body = {"name": NAME, "kwargs": {"text": "x"}, "task_id": task_id}
    status, problem, _ = call("POST", "/v1/tasks", body=body, bearer=bearer)
    assert (status, problem["field"]) == (422, "task_id")


@each_id
def test_revoking_an_invalid_id_records_nothing(echo, task_id):
    with pytest.raises(InvalidRequest) as refused:
        revoking.revoke(task_id)
    assert refused.value.field == "id"
    assert records.stored(task_id) is None


# A message of a Celery client whose id is too long is FAILURE under it (tests/engine/test_celery_clients.py).
@pytest.mark.parametrize("task_id", [each for each in UNFIT if len(each.encode()) <= 255], ids=ascii)
def test_a_message_with_an_invalid_id_becomes_a_dead_letter_with_the_reason(dead, task_id):  # noqa: F811
    # given: a stock client sent it
    body = wire.encode(wire.Message("fine", NAME, kwargs={"text": "x"}), "echo")
    envelope = json.loads(base64.b64decode(body))
    envelope["headers"]["id"] = task_id
    message_id = dead.queue.send(json.dumps(envelope))
    # when
    dead.queue.deliver()  # its queue gives up after one delivery
    dead.queue.receive()
    assert dead_letters.drain(10).recorded == 1
    # then
    record = dead.record(message_id)
    assert (record.status, record.error_type, record.queue) == (Status.FAILURE, "DeadLetter", "echo")
    assert UNFIT[task_id] in record.error_message
    assert dead.calls == []
