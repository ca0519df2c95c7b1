"""Many tasks in one call: batches, individual rejections, and repeated calls."""

from __future__ import annotations

import pytest
from echo_task import NAME

from generate_qr_code.handler import generate_qr_code
from makertasks import wire
from makertasks.aws import dynamodb
from makertasks.errors import InvalidRequest
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import bulk, bulk_calls
from makertasks.submission.bulk import submit_many
from makertasks.submission.producer import Submission


def texts(count):
    return [Submission(NAME, {"text": str(number)}) for number in range(count)]


def drain(echo):
    while echo.queue.count():
        echo.queue.deliver()


def test_every_task_is_recorded_and_runs_once(echo):
    answer = submit_many(texts(27), requested_by="ada")
    assert len(set(answer.ids)) == 27
    assert (answer.rejected, answer.unsent) == ([], [])
    assert echo.record(answer.ids[7]).requested_by == "ada"
    drain(echo)
    assert sorted(echo.calls, key=int) == [str(number) for number in range(27)]


def test_each_rejected_task_is_named_with_its_index_and_reason(echo):
    wanted = texts(5)
    wanted[1] = Submission(NAME, {"text": 5})
    wanted[3] = Submission("tests.nothing", {})
    answer = submit_many(wanted)
    assert [place for place, task_id in enumerate(answer.ids) if task_id is None] == [1, 3]
    assert [(refused.index, refused.field) for refused in answer.rejected] == [(1, "kwargs.text"), (3, "name")]
    assert echo.queue.count() == 3


def test_a_call_repeated_with_its_key_creates_no_duplicates(echo):
    first = submit_many(texts(12), idempotency_key="stocktaking")
    echo.queue.deliver()
    again = submit_many(texts(12), idempotency_key="stocktaking")
    assert again.ids == first.ids
    drain(echo)
    assert sorted(echo.calls, key=int) == [str(number) for number in range(12)]


def test_an_interrupted_call_is_completed_by_the_next_one(echo, monkeypatch):
    # given a call whose process ended in the middle: some records are written, none is sent, the key is still locked
    written = bulk._write

    def break_off(batch, call, ends):
        if 26 in batch:
            raise KeyboardInterrupt
        return written(batch, call, ends)

    with monkeypatch.context() as ending:
        ending.setattr(bulk, "_write", break_off)
        ending.setattr(bulk_calls.notes, "delete", lambda _key: None)
        with pytest.raises(KeyboardInterrupt):
            submit_many(texts(27), idempotency_key="stocktaking")
    recorded = {record.id for record in records.connect().scan() if record.name}
    assert 0 < len(recorded) < 27

    # when it is repeated at once, it is refused for a while
    with pytest.raises(InvalidRequest, match="a call with this key is in progress; retry after 20"):
        submit_many(texts(27), idempotency_key="stocktaking")

    # and after that it completes what is missing
    echo.time_passes(seconds=bulk_calls.HELD.total_seconds() + 1)
    answer = submit_many(texts(27), idempotency_key="stocktaking")
    assert (len(set(answer.ids)), answer.rejected) == (27, [])
    assert recorded <= {wire.result_key(task_id) for task_id in answer.ids}
    drain(echo)
    assert sorted(echo.calls, key=int) == [str(number) for number in range(27)]


def test_a_long_call_renews_its_lock_and_a_stalled_one_stops_writing(echo, monkeypatch):
    with bulk_calls.holding("stocktaking", texts(3)) as call:
        echo.time_passes(seconds=20)
        assert call.may_write()
        echo.time_passes(seconds=40)
        with pytest.raises(InvalidRequest, match="in progress"):
            submit_many(texts(3), idempotency_key="stocktaking")
        echo.time_passes(seconds=240)
        assert not call.may_write()


def test_an_idempotency_key_stands_for_the_same_tasks_until_it_expires(echo, monkeypatch):
    first = submit_many(texts(3), idempotency_key="stocktaking")
    with pytest.raises(InvalidRequest, match="was used for other tasks"):
        submit_many(texts(4), idempotency_key="stocktaking")
    echo.time_passes(hours=25)
    second = submit_many(texts(3), idempotency_key="stocktaking")
    assert not set(first.ids) & set(second.ids)


def test_tasks_that_could_not_be_sent_are_recorded_and_reported(echo):
    echo.queue.sqs.delete_queue(QueueUrl=echo.queue.url)
    answer = submit_many(texts(3))
    assert [refused.index for refused in answer.unsent] == [0, 1, 2]
    assert {echo.record(task_id).status for task_id in answer.ids} == {Status.PENDING}


def test_a_batch_of_too_many_tasks_is_refused(echo):
    with pytest.raises(InvalidRequest, match="at most 10,000, so make several"):
        submit_many(texts(1) * 10_001)


def test_items_are_looked_up_together(tasks_table, inventory_table, media_bucket, task_queues):
    name = generate_qr_code.name
    wanted = [Submission(name, {"item_id": f"00000000-0000-0000-0000-{number:012}"}) for number in range(3)]
    answer = submit_many(wanted)
    assert answer.ids == [None] * 3
    assert {refused.field for refused in answer.rejected} == {"kwargs.item_id"}
    assert "the inventory has no item" in answer.rejected[0].reason


class TestABusyTable:
    """It accepts a part of each batch, or nothing, and later everything."""

    @pytest.fixture
    def offers(self, monkeypatch):
        monkeypatch.setattr(bulk, "FIRST_WAIT", 0.001)
        monkeypatch.setattr(bulk, "LONGEST_WAIT", 0.002)
        write = dynamodb.write_batch
        offers = []

        def taking_little(table, requests):
            offers.append(len(requests))
            if len(offers) % 3 == 0:
                raise dynamodb.Throttled("too much")
            few = max(len(requests) // 5, 1)
            assert write(table, requests[:few]) == []
            return requests[few:]

        monkeypatch.setattr(dynamodb, "write_batch", taking_little)
        return offers

    def test_gets_every_task_in_the_end(self, echo, offers):
        answer = submit_many(texts(60))
        assert (answer.rejected, answer.unsent) == ([], [])
        assert len(offers) > 3 * 6  # well above the number without throttling
        drain(echo)
        assert sorted(echo.calls, key=int) == [str(number) for number in range(60)]

    @pytest.mark.usefixtures("offers")
    def test_is_retried_only_while_the_caller_has_time(self, echo):
        answer = submit_many(texts(30), patience=0)
        assert {refused.reason for refused in answer.rejected} == {"was not recorded: DynamoDB was too busy"}
        recorded = [task_id for task_id in answer.ids if task_id]
        assert 0 < len(recorded) < 30
        assert {echo.record(task_id).status for task_id in recorded} == {Status.PENDING}

    @pytest.mark.usefixtures("echo")
    def test_also_accepts_tasks_with_ids_chosen_by_callers(self, monkeypatch):
        monkeypatch.setattr(bulk, "FIRST_WAIT", 0.001)
        create, refusals = lifecycle.create, [None] * 4

        def throttled(record):
            if refusals:
                refusals.pop()
                raise dynamodb.Throttled("too much")
            return create(record)

        monkeypatch.setattr(lifecycle, "create", throttled)
        answer = submit_many([Submission(NAME, {"text": "a"}, task_id="chosen")])
        assert (answer.ids, answer.rejected) == (["chosen"], [])
