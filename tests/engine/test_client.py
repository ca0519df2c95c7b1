"""The Python client: how a program without Celery uses the stack's tasks."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest
from lambda_queue import Queue

import makertasks
from makertasks import wire
from makertasks.aws import queues, session
from makertasks.client import configuration
from makertasks.client.canvas import chain, chord, group
from makertasks.client.failures import TaskFailure, TaskRevoked, error_of
from makertasks.client.results import AsyncResult, GroupResult
from makertasks.client.tasks import submit_many
from makertasks.errors import InvalidRequest, Unavailable
from makertasks.inventory import table as inventory
from makertasks.inventory.model import Item
from makertasks.records import table as records

QR = "inventory.tasks.generate_qr_code"


@pytest.fixture
def shop(tasks_table, inventory_table, counters_table, media_bucket, task_queues, monkeypatch, tmp_path):
    """The stack's tables, bucket and queues, and the worker of QR codes."""
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "none.toml"))
    configuration.load.cache_clear()
    from generate_qr_code.handler import handler  # noqa: PLC0415 - its environment is there now

    yield Queue(session.client("sqs"), "unit-tasks-generate_qr_code", handler)
    configuration.load.cache_clear()


@pytest.fixture
def item_id(shop):
    new = str(uuid4())
    inventory.connect()
    Item(f"item#{new}", "item", name="Drill", listing="item", sort_name="drill").save()
    return new


def test_delay_and_get(shop, item_id):
    result = makertasks.generate_qr_code.delay(item_id=item_id)
    assert (result.status, result.ready(), result.date_done) == ("PENDING", False, None)
    shop.deliver()
    assert result.get(timeout=1)["qr_code"] == f"inventory/qrcodes/qr_{item_id}.png"
    assert (result.status, result.successful(), result.failed()) == ("SUCCESS", True, False)
    assert (result.name, result.kwargs, result.retries) == (QR, {"item_id": item_id}, 0)
    assert result.worker.startswith("generate_qr_code@")
    assert result.date_done.tzinfo is not None
    assert AsyncResult(result.id) == result


def test_arguments_are_checked_before_anything_is_written_or_sent(shop):
    for args, kwargs in ((("seven",), {}), ((), {}), ((), {"item": "x"}), ((str(uuid4()), 1), {})):
        with pytest.raises(InvalidRequest):
            makertasks.generate_qr_code.delay(*args, **kwargs)
    assert shop.count() == 0
    assert list(records.connect().scan()) == []


def test_if_sending_fails_no_pending_record_remains(shop, item_id, monkeypatch):
    def refuse(*_args, **_options):
        raise Unavailable("the queue is away")

    monkeypatch.setattr(queues, "send", refuse)
    with pytest.raises(Unavailable, match="recorded but not sent"):
        makertasks.generate_qr_code.apply_async(kwargs={"item_id": item_id}, task_id="t1")
    assert AsyncResult("t1").status == "FAILURE"


def test_a_failure_is_raised_with_its_type_and_keeps_its_traceback(shop):
    result = makertasks.generate_qr_code.delay(str(uuid4()))
    shop.deliver()
    with pytest.raises(makertasks.errors.UnknownItem, match="the inventory has no item"):
        result.get(timeout=1)
    assert isinstance(result.get(propagate=False), makertasks.errors.UnknownItem)
    assert "UnknownItem" in result.traceback


def test_an_error_of_an_unknown_type_becomes_a_task_failure_that_names_it(shop):
    stored = {"exc_type": "Strange", "exc_module": "elsewhere", "exc_message": ["oh"]}
    error = error_of({"status": "FAILURE", "result": stored})
    assert isinstance(error, TaskFailure)
    assert (error.exc_type, error.exc_module, str(error)) == ("Strange", "elsewhere", "oh")


def test_get_gives_up_after_its_time_out(shop, item_id):
    result = makertasks.generate_qr_code.delay(item_id=item_id)
    with pytest.raises(TimeoutError, match="PENDING"):
        result.get(timeout=0.05)


def test_revoke_and_forget(shop, item_id):
    result = makertasks.generate_qr_code.delay(item_id=item_id)
    assert result.revoke() == "REVOKED"
    with pytest.raises(TaskRevoked):
        result.get(timeout=1)
    shop.deliver()
    assert result.status == "REVOKED"
    result.forget()
    assert AsyncResult(result.id).status == "PENDING"


def test_countdown_task_id_and_idempotency_key(shop, item_id):
    send = makertasks.generate_qr_code.apply_async
    assert send(kwargs={"item_id": item_id}, countdown=60, task_id="mine").id == "mine"
    first = send(kwargs={"item_id": item_id}, idempotency_key="order-7")
    assert send(kwargs={"item_id": item_id}, idempotency_key="order-7") == first
    assert records.get("mine").eta


def test_a_long_delay_is_left_to_the_function_that_may_create_schedules(shop, item_id, monkeypatch):
    role = os.environ["DELAYS_ROLE"]
    monkeypatch.delenv("DELAYS_ROLE")  # as on any machine outside Lambda
    scheduler = session.client("scheduler")
    scheduler.create_schedule_group(Name="unit-delays")
    result = makertasks.generate_qr_code.apply_async(kwargs={"item_id": item_id}, countdown=3600)
    assert (result.status, scheduler.list_schedules()["Schedules"]) == ("PENDING", [])
    monkeypatch.setenv("DELAYS_ROLE", role)
    shop.deliver()
    assert (result.status, len(scheduler.list_schedules()["Schedules"])) == ("PENDING", 1)
    assert result.revoke() == "REVOKED"
    assert scheduler.list_schedules()["Schedules"] == []


def test_results_of_a_stock_worker_are_read_like_others(shop):
    stored = wire.result_meta("SUCCESS", task_id="stock", result=7, name="t", kwargs={"a": 1}, worker="celery@here")
    item = {"id": {"S": wire.result_key("stock")}, "result": {"B": stored}, "timestamp": {"N": "1"}}
    session.client("dynamodb").put_item(TableName="unit-tasks", Item=item)
    assert AsyncResult("stock").get(timeout=1) == 7
    record = records.get("stock")
    assert (record.status, record.name, record.kwargs, record.is_final) == ("SUCCESS", "t", {"a": 1}, True)


def test_links_and_chains(shop, item_id):
    qr = makertasks.generate_qr_code
    linked = qr.apply_async(kwargs={"item_id": item_id}, link=qr.si(item_id))
    last = chain(qr.s(item_id), qr.si(item_id=item_id), qr.si(item_id=item_id)).delay()
    while shop.count():
        shop.deliver()
    assert [child.status for child in linked.children] == ["SUCCESS"]
    assert [last.status, last.parent.status, last.parent.parent.status] == ["SUCCESS"] * 3
    assert records.get(last.id).root_id == last.parent.parent.id


def test_a_group_is_sent_at_once_and_joined_in_order(shop, item_id):
    qr = makertasks.generate_qr_code
    result = group(qr.s(item_id), chain(qr.s(item_id), qr.si(item_id))).delay()
    assert (len(result), result.waiting(), result.completed_count()) == (2, True, 0)
    while shop.count():
        shop.deliver()
    assert [value["qr_code"] for value in result.join(timeout=1)] == [f"inventory/qrcodes/qr_{item_id}.png"] * 2
    assert (result.ready(), result.successful(), result.failed(), result.completed_count()) == (True, True, False, 2)
    assert {records.get(each.id).group_id for each in result} == {result.id}
    # stored under its id, for later calls
    result.save()
    assert GroupResult.restore(result.id) == result
    assert GroupResult.restore("nothing") is None
    result.forget()
    assert [each.status for each in result] == ["PENDING", "PENDING"]


def test_a_groups_first_failure_is_raised_or_listed(shop, item_id):
    qr = makertasks.generate_qr_code
    result = group([qr.s(item_id), qr.s(str(uuid4()))]).apply_async()
    while shop.count():
        shop.deliver()
    with pytest.raises(makertasks.errors.UnknownItem):
        result.join(timeout=1)
    assert isinstance(result.join(timeout=1, propagate=False)[1], makertasks.errors.UnknownItem)
    assert result.failed()


def test_a_chord_runs_its_body_when_all_parts_have_finished(shop, item_id):
    qr = makertasks.generate_qr_code
    result = chord([qr.s(item_id), qr.s(item_id)], chain(qr.si(item_id), qr.si(item_id))).delay()
    assert [each.status for each in result.parent.parent] == ["PENDING", "PENDING"]
    while shop.count():
        shop.deliver()
    assert [result.status, result.parent.status] == ["SUCCESS"] * 2
    assert result.parent.parent.successful()


def test_a_group_before_a_step_is_a_chord_and_links_wait_for_its_body(shop, item_id):
    qr = makertasks.generate_qr_code
    result = chain(group(qr.s(item_id), qr.s(item_id)), qr.si(item_id)).apply_async(link=qr.si(item_id), countdown=0)
    while shop.count():
        shop.deliver()
    assert result.successful()
    assert [child.status for child in result.children] == ["SUCCESS"]


def test_an_invalid_canvas_is_refused_and_nothing_is_written(shop, item_id):
    qr = makertasks.generate_qr_code
    wrong = [
        group,
        lambda: chain(qr.s(item_id), "seven"),
        lambda: group(qr.s(item_id), qr.s("seven")).delay(),
        lambda: group(qr.s(item_id), qr.s(item_id).set(idempotency_key="k")).delay(),
        lambda: chord([qr.s(item_id)], qr.si(item_id)).apply_async(time_limit="long"),
    ]
    for make in wrong:
        with pytest.raises(InvalidRequest):
            make()
    assert shop.count() == 0
    assert list(records.connect().scan()) == []


def test_if_a_group_cannot_be_sent_nothing_stays_pending(shop, item_id, monkeypatch):
    def refuse(*_args, **_options):
        raise Unavailable("the queue is away")

    monkeypatch.setattr(queues, "send", refuse)
    qr = makertasks.generate_qr_code
    with pytest.raises(Unavailable):
        group(qr.s(item_id), qr.s(item_id)).delay()
    assert [record.status for record in records.connect().scan()] == ["FAILURE"]


def test_a_batch_returns_ids_and_rejections_by_index(shop, item_id):
    qr = makertasks.generate_qr_code
    answer = submit_many([qr.s(item_id), qr.s("seven"), qr.s(item_id=item_id)])
    assert [task_id is not None for task_id in answer.ids] == [True, False, True]
    assert [rejected.index for rejected in answer.rejected] == [1]
    assert shop.count() == 2


def test_an_idempotency_key_for_one_task_of_a_batch_is_refused(shop, item_id):
    with pytest.raises(InvalidRequest, match="give it to submit_many") as refused:
        submit_many([makertasks.generate_qr_code.s(item_id).set(idempotency_key="order-7")])
    assert refused.value.field == "idempotency_key"
    assert shop.count() == 0
