"""Large arguments and results: stored in the bucket, returned unchanged, refused above the limit."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from datetime import time as dt_time
from decimal import Decimal
from uuid import UUID

import pytest
from echo_task import NAME
from hypothesis import given
from hypothesis import strategies as st

from makertasks import tasks, wire
from makertasks.aws import bucket, json_values
from makertasks.aws.dynamodb import JSONMap
from makertasks.control import retrying
from makertasks.errors import InvalidRequest
from makertasks.monitoring import views
from makertasks.records import payloads
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import producer
from makertasks.worker import sweeping

LARGE = "x" * (payloads.INLINE_BYTES + 1)


@pytest.fixture
def store(echo, media_bucket):
    """Echo tasks with a bucket."""
    return echo


def size_of(record):
    item = json.dumps(record.serialize(), default=repr)
    return len(item)


def test_large_arguments_are_passed_through_the_bucket_unchanged(store):
    task_id = store.submit(LARGE)
    record = store.record(task_id)
    assert record.kwargs == {}
    assert payloads.kwargs_of(record) == {"text": LARGE}
    assert size_of(record) < 4_000

    [message] = store.queue.receive()
    assert len(message["body"]) < 4_000
    store.queue.send(message["body"])
    store.queue.deliver()
    assert store.calls == [LARGE]


BEYOND_A_RECORD = "x" * payloads.ITEM_BYTES


@pytest.mark.parametrize(
    "value",
    [
        {"text": LARGE},
        "x" * 380_000,
        float("inf"),
        2**128,
        datetime(2026, 3, 29, 2, 30, tzinfo=UTC),
        [date(2028, 2, 29), dt_time(1, 2), Decimal("1.10"), UUID(int=5), b"\xff\x00", b"text"],
        "half \ud83d",
    ],
    ids=["large", "nearly a whole item", "infinite", "128 bits", "datetime", "typed", "half a letter"],
)
def test_a_result_is_stored_in_celerys_format_as_far_as_the_item_has_room(store, value):
    store.plan = [lambda: value]
    task_id = store.submit("small")
    store.queue.deliver()
    record = store.record(task_id)
    assert (record.status, record.payloads) == (Status.SUCCESS, None)
    assert store.result(task_id)["result"] == value
    assert json.dumps(views.detail(record)["result"], allow_nan=False).encode()


def test_a_result_too_large_for_an_item_is_in_the_bucket_and_a_stock_client_gets_a_pointer(store):
    store.plan = [lambda: {"text": BEYOND_A_RECORD}]
    task_id = store.submit("small")
    store.queue.deliver()
    record = store.record(task_id)
    assert (record.status, record.kwargs) == (Status.SUCCESS, {"text": "small"})
    assert payloads.result_of(record) == {"text": BEYOND_A_RECORD}
    place = store.result(task_id)["result"]["makertasks_payload"]
    assert place["bucket"] == "unit-media"
    assert json.loads(bucket.get(place["key"]).body) == {"text": BEYOND_A_RECORD}
    assert size_of(record) < 4_000


def test_a_result_may_use_the_room_that_its_record_leaves(store):
    step = {"task": NAME, "args": ["x" * 9000], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": True}
    store.plan = [lambda: "x" * 380_000]
    store.queue.send(wire.encode(wire.Message("chained", NAME, ["a"], ignore_result=False, chain=[step] * 10), "echo"))
    store.queue.deliver()
    record = store.record("chained")
    assert (record.status, list(record.payloads)) == (Status.SUCCESS, ["result"])


def test_a_too_deeply_nested_result_is_a_failure(store):
    store.plan = [lambda: json.loads("[" * 400 + "]" * 400)]
    task_id = store.submit()
    store.queue.deliver()
    assert (store.record(task_id).status, store.record(task_id).error_type) == (Status.FAILURE, "ValueError")


def test_a_stock_clients_large_arguments_are_also_kept_in_the_bucket(store):
    message = wire.Message(task_id="stock", name=NAME, args=[LARGE])
    store.queue.send(wire.encode(message, "echo"))
    store.queue.deliver()
    record = store.record("stock")
    assert (record.status, record.kwargs) == (Status.SUCCESS, {})
    assert payloads.kwargs_of(record) == {"text": LARGE}


def test_the_sweep_and_a_retry_send_the_same_arguments(store):
    task_id = store.submit(LARGE)
    for message in store.queue.receive():
        store.queue.sqs.delete_message(QueueUrl=store.queue.url, ReceiptHandle=message["receiptHandle"])
    store.time_passes(minutes=11)
    assert sweeping.sweep(10).requeued == 1
    store.queue.deliver()
    new = retrying.retry(task_id).task_id
    store.queue.deliver()
    assert store.calls == [LARGE, LARGE]
    assert payloads.kwargs_of(store.record(new)) == {"text": LARGE}


def test_arguments_above_the_limit_are_refused_naming_the_limit(store):
    with pytest.raises(InvalidRequest, match=r"the limit is 5,000,000") as refused:
        store.submit("x" * payloads.MAXIMUM_BYTES)
    assert refused.value.field == "kwargs"
    assert store.queue.count() == 0


def test_a_result_above_the_size_limit_is_a_failure_with_that_reason(store):
    store.plan = [lambda: {"text": "x" * payloads.MAXIMUM_BYTES}]
    task_id = store.submit()
    store.queue.deliver()
    record = store.record(task_id)
    assert (record.status, record.error_type) == (Status.FAILURE, "TooLarge")
    assert "result: 5,000,0" in record.error_message


def test_arguments_deleted_from_the_bucket_fail_the_task_with_that_reason(store):
    task_id = store.submit(LARGE)
    bucket.delete(store.record(task_id).payloads["kwargs"]["key"])
    store.queue.deliver()
    record = store.record(task_id)
    assert (record.status, record.error_type) == (Status.FAILURE, "InvalidArguments")
    assert "removed before the task began" in record.error_message


def test_a_message_may_refer_only_to_payload_objects(store):
    message = wire.Message(task_id="sly", name=NAME, headers={"makertasks_payload": {"key": "inventory/secret.json"}})
    store.queue.send(wire.encode(message, "echo"))
    store.queue.deliver()
    assert "not under payloads/" in store.record("sly").error_message


def test_invalid_large_arguments_are_not_recorded(store):
    store.queue.send(wire.encode(wire.Message(task_id="unfit", name=NAME, kwargs={"colour": LARGE}), "echo"))
    assert store.queue.deliver() == []
    record = store.record("unfit")
    assert (record.status, record.error_type) == (Status.FAILURE, "InvalidArguments")
    assert size_of(record) < 4_000


def test_a_chain_too_long_for_a_record_is_refused_or_fails_at_once(store):
    step = {"task": NAME, "args": ["x" * 9000], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": True}
    with pytest.raises(InvalidRequest, match=r"options: the task's follow-ups and headers.* the limit is 150,000"):
        producer.submit(producer.Submission(NAME, {"text": "a"}, chain=[step] * 20))
    message = wire.Message(task_id="long", name=NAME, kwargs={"text": "a"}, chain=[step] * 20)
    store.queue.send(wire.encode(message, "echo"))
    assert store.queue.deliver() == []
    record = store.record("long")
    assert (record.status, record.error_type, record.kwargs) == (Status.FAILURE, "InvalidArguments", {"text": "a"})
    assert size_of(record) < 4_000


def test_an_error_that_quotes_a_whole_file_still_fits(store):
    store.plan = [ValueError(LARGE * 30)]
    task_id = store.submit()
    store.queue.deliver()
    assert store.record(task_id).status == Status.FAILURE
    assert len(store.record(task_id).error_message) == 2_000
    assert len(store.record(task_id).result) < 30_000


@pytest.mark.parametrize("value", [float("inf"), 1e300, 10**60, "\ud800", json.loads("[" * 40 + "]" * 40)])
def test_values_that_dynamodb_cannot_store_exactly_are_kept_in_the_bucket(store, value, monkeypatch):
    seen = []

    @tasks.task("tests.anything")
    def anything(value: object) -> None:
        seen.append(value)

    record = records.new(wire.Message(task_id="odd", name="tests.anything"), queue="echo")
    pointer = payloads.store(record.task_id, "kwargs", {"value": value})
    assert payloads.load(pointer) == {"value": value}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_values_within_the_tables_limits_are_read_back_unchanged(value):
    attribute = JSONMap()
    if json_values.fits_table(value):
        assert attribute.deserialize(attribute.serialize({"value": value})) == {"value": value}
