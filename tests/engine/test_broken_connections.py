"""Connections that break before DynamoDB gets a request or before its response arrives: nothing is lost or doubled."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from botocore.exceptions import ConnectionClosedError

from makertasks import clock
from makertasks.errors import Unavailable
from makertasks.records import lifecycle, notes
from makertasks.records import table as records
from makertasks.records.lifecycle import Claim
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status


@contextmanager
def breaking(operation, moment, model=TaskRecord, times=1):
    """Let the next calls fail, "before-call" or "after-call"."""
    client = model._get_connection().connection.client
    name, left = f"{moment}.dynamodb.{operation}", iter(range(times))

    def break_off(**_):
        if next(left, None) is not None:
            raise ConnectionClosedError(endpoint_url="http://dynamodb")

    client.meta.events.register(name, break_off)
    try:
        yield
    finally:
        client.meta.events.unregister(name, break_off)


@pytest.mark.parametrize("moment", ["before-call", "after-call"])
def test_a_message_returns_to_the_queue_if_its_claim_got_no_response(echo, moment):
    task_id = echo.submit()
    records.connect()
    with breaking("UpdateItem", moment):
        assert len(echo.queue.deliver()) == 1
    assert echo.record(task_id).status in {Status.PENDING, Status.STARTED}
    assert echo.calls == []


def test_a_claim_whose_response_was_lost_is_recognised_by_its_lease(echo):
    record = echo.record(echo.submit())
    ends = clock.now().timestamp() + 30
    with breaking("UpdateItem", "after-call"), pytest.raises(Unavailable):
        lifecycle.claim(record, "echo@me", ends)
    again = lifecycle.claim(echo.record(record.task_id), "echo@me", ends)
    assert isinstance(again, Claim)
    assert again.attempt == 1
    assert not isinstance(lifecycle.claim(echo.record(record.task_id), "echo@other", ends), Claim)


def test_a_final_write_whose_response_was_lost_remains_final(echo):
    claimed = lifecycle.claim(echo.record(echo.submit("a", task_id="a")), "echo@me", clock.now().timestamp() + 30)
    with breaking("UpdateItem", "after-call"), pytest.raises(Unavailable):
        lifecycle.succeed(claimed, {"text": "a"})
    assert echo.queue.deliver() == []
    assert (echo.record("a").status, echo.calls) == (Status.SUCCESS, [])


@pytest.mark.parametrize("operation", ["PutItem", "GetItem"])
def test_notes_raise_a_temporary_error_if_the_table_does_not_respond(tasks_table, operation):
    notes.connect()
    with breaking(operation, "before-call", notes.Note), pytest.raises(Unavailable):
        (notes.get if operation == "GetItem" else lambda key: notes.put_first(key, {}, clock.now()))("key")
