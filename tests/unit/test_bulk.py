"""Many tasks in one call: batches, rejections one by one, and calls that are made again."""

from __future__ import annotations

import pytest
from echo_task import NAME

from generate_qr_code.handler import generate_qr_code
from makertasks import bulk, notes
from makertasks.bulk import submit_many
from makertasks.errors import InvalidRequest
from makertasks.producer import Submission
from makertasks.states import Status


def texts(count):
    return [Submission(NAME, {"text": str(number)}) for number in range(count)]


def drain(echo):
    while echo.queue.count():
        echo.queue.deliver()


def test_every_task_is_recorded_and_runs_once(echo):
    answer = submit_many(texts(60), requested_by="ada")
    assert len(set(answer.ids)) == 60
    assert (answer.rejected, answer.unsent) == ([], [])
    assert echo.record(answer.ids[7]).requested_by == "ada"
    drain(echo)
    assert sorted(echo.calls, key=int) == [str(number) for number in range(60)]


def test_each_rejected_one_is_named_with_its_place_and_reason(echo):
    wanted = texts(5)
    wanted[1] = Submission(NAME, {"text": 5})
    wanted[3] = Submission("tests.nothing", {})
    answer = submit_many(wanted)
    assert [place for place, task_id in enumerate(answer.ids) if task_id is None] == [1, 3]
    assert [(refused.index, refused.field) for refused in answer.rejected] == [(1, "kwargs.text"), (3, "name")]
    assert echo.queue.count() == 3


def test_a_call_made_again_with_its_key_doubles_nothing(echo):
    first = submit_many(texts(30), idempotency_key="stocktaking")
    echo.queue.deliver()
    again = submit_many(texts(30), idempotency_key="stocktaking")
    assert again.ids == first.ids
    drain(echo)
    assert sorted(echo.calls, key=int) == [str(number) for number in range(30)]


def test_a_call_that_broke_off_is_finished_by_the_next(echo, monkeypatch):
    written = bulk._write

    def break_off(batch, ends):
        if 40 in batch:
            raise KeyboardInterrupt
        return written(batch, ends)

    monkeypatch.setattr(bulk, "_write", break_off)
    with pytest.raises(KeyboardInterrupt):
        submit_many(texts(60), idempotency_key="stocktaking")
    monkeypatch.setattr(bulk, "_write", written)
    with pytest.raises(InvalidRequest, match="under way"):
        submit_many(texts(60), idempotency_key="stocktaking")

    monkeypatch.setattr(notes, "get", lambda key, get=notes.get: {**get(key), "until": ""} if get(key) else None)
    answer = submit_many(texts(60), idempotency_key="stocktaking")
    assert len(set(answer.ids)) == 60
    drain(echo)
    assert sorted(echo.calls, key=int) == [str(number) for number in range(60)]


def test_what_could_not_be_sent_is_recorded_and_said(echo):
    echo.queue.sqs.delete_queue(QueueUrl=echo.queue.url)
    answer = submit_many(texts(3))
    assert [refused.index for refused in answer.unsent] == [0, 1, 2]
    assert {echo.record(task_id).status for task_id in answer.ids} == {Status.PENDING}


def test_too_many_are_refused(echo):
    with pytest.raises(InvalidRequest, match="of at most 10,000"):
        submit_many(texts(1) * 10_001)


def test_items_are_looked_up_together(tasks_table, inventory_table, media_bucket, task_queues):
    name = generate_qr_code.name
    wanted = [Submission(name, {"item_id": f"00000000-0000-0000-0000-{number:012}"}) for number in range(3)]
    answer = submit_many(wanted)
    assert answer.ids == [None] * 3
    assert {refused.field for refused in answer.rejected} == {"kwargs.item_id"}
    assert "the inventory has no item" in answer.rejected[0].reason
