"""A process that stops at any AWS call of the engine, before or after its effect: the task still ends exactly once."""

from __future__ import annotations

from itertools import count

import pytest
from stopping import stopped

from makertasks.aws import bucket
from makertasks.errors import TemporaryError
from makertasks.records import notes
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import bulk, bulk_calls
from makertasks.submission.producer import Submission
from makertasks.worker import sweeping

KEY = "inventory/qrcodes/effect"


@pytest.fixture
def shop(echo, media_bucket):
    """An echo task that leaves an object in the bucket."""
    echo.work = lambda: bucket.put(KEY, b"done", "text/plain")
    return echo


def hand_over(shop, messages):
    """Deliver one batch to a running function; messages that it does not return are deleted."""
    answer = shop.queue.handler({"Records": messages}, shop.queue.context)
    back = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    for message in messages:
        if message["messageId"] not in back:
            shop.queue.sqs.delete_message(QueueUrl=shop.queue.url, ReceiptHandle=message["receiptHandle"])


def bring_to_rest(shop, task_id):
    """What follows the end of a process: its lease expires, its messages return, the sweep runs."""
    for _ in range(6):
        shop.time_passes(minutes=11)
        sweeping.sweep(10)
        while messages := shop.queue.receive():
            hand_over(shop, messages)
        if records.get(task_id).is_final:
            break
    return records.get(task_id)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("first", ["success", "retry"])
def test_a_worker_that_stops_at_any_call(shop, moment, first):
    for number in count():
        shop.plan = [TemporaryError("busy"), shop.work, shop.work] if first == "retry" else [shop.work] * 3
        # when the worker stops at one more call than before, then the task still succeeds once
        task_id = shop.submit(str(number))
        messages = shop.queue.receive()
        was_stopped = stopped(number, moment, lambda: shop.queue.handler({"Records": messages}, shop.queue.context))  # noqa: B023
        record = bring_to_rest(shop, task_id)
        assert (record.status, record.task_id) == (Status.SUCCESS, task_id), number
        assert bucket.get(KEY).body == b"done"
        assert record.attempt <= 3
        for message in messages:  # hidden messages would be dropped when they return
            shop.queue.sqs.delete_message(QueueUrl=shop.queue.url, ReceiptHandle=message["receiptHandle"])
        if not was_stopped:
            break
    assert number >= 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_submission_that_stops_at_any_call_and_is_made_again_with_its_key(shop, moment):
    for number in count():
        shop.calls.clear()
        submit = lambda: shop.submit(str(number), idempotency_key=f"order {moment} {number}")  # noqa: B023, E731
        was_stopped = stopped(number, moment, submit)
        task_id = submit()
        assert bring_to_rest(shop, task_id).status == Status.SUCCESS
        assert shop.calls == [str(number)]
        if not was_stopped:
            break
    assert number >= 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_bulk_call_that_stops_at_any_call_and_is_made_again_with_its_key(shop, moment, monkeypatch):
    monkeypatch.setattr(bulk, "THREADS", 1)
    for number in count():
        shop.calls.clear()
        texts = [f"{number}/{place}" for place in range(3)]
        wanted = [Submission("tests.echo", {"text": text}) for text in texts]
        call = lambda: bulk.submit_many(wanted, idempotency_key=f"{moment} {number}")  # noqa: B023, E731
        was_stopped = stopped(number, moment, call)
        notes.delete(bulk_calls._held(f"{moment} {number}"))  # as if it had expired
        answer = call()
        assert (answer.rejected, answer.unsent) == ([], [])
        while shop.queue.count():
            shop.queue.deliver()
        assert sorted(shop.calls) == sorted(texts)
        assert {records.get(task_id).status for task_id in answer.ids} == {Status.SUCCESS}
        if not was_stopped:
            break
    assert number >= 4
