"""An application's tasks on its Lambda handler, with a stock client: what the client reads in edge cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import chord
from celery.exceptions import ChordError, SoftTimeLimitExceeded
from shop_on_lambda import Killed

from makertasks import wire
from makertasks.contrib.celery.backend import RecordBackend
from makertasks.errors import MakertasksError
from makertasks.records import chords, lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status


def test_a_task_cannot_wait_for_another_tasks_result(shop):
    """As in a worker: the function would wait for a result that only another invocation can write."""
    result = shop.client.tasks["shop.gets"].delay()
    shop.work()
    meta = shop.meta(result.id)
    assert meta["status"] == "FAILURE"
    assert isinstance(meta["result"], RuntimeError)
    assert "Never call result.get() within a task" in str(meta["result"])


def test_a_failed_task_has_the_children_that_it_sent(shop):
    result = shop.client.tasks["shop.gets"].delay()
    shop.work()
    [child] = result.children
    assert shop.meta(child.id)["result"] == 3


def test_a_failure_that_the_task_stores_itself_is_kept_as_its_result(shop):
    result = shop.client.tasks["shop.fails_by_hand"].delay()
    shop.work()
    meta = shop.meta(result.id)
    assert (meta["status"], type(meta["result"]).__name__, meta["result"].args) == ("FAILURE", "Odd", ("x",))


def test_stamps_are_in_the_result(shop):
    signature = shop.client.tasks["shop.add"].s(1, 2)
    signature.stamp(customer="4711")
    result = signature.apply_async()
    shop.work()
    meta = shop.meta(result.id)
    assert (meta["stamped_headers"], meta["customer"]) == (["customer"], "4711")


def test_a_soft_time_limits_exception_has_no_arguments(shop):
    result = shop.client.tasks["shop.sleeps"].delay()
    shop.work()
    error = shop.meta(result.id)["result"]
    assert (type(error), error.args) == (SoftTimeLimitExceeded, ())


def test_steps_that_never_ran_are_failures_with_name_and_arguments(shop):
    divide, add = (shop.client.tasks[name] for name in ("shop.divide", "shop.add"))
    result = (divide.s(1, 0) | add.s(5) | add.s(6)).apply_async()
    shop.work()
    for step, arguments in ((result.parent, [5]), (result, [6])):
        meta = shop.meta(step.id)
        assert (meta["status"], meta["name"], meta["args"]) == ("FAILURE", "shop.add", arguments)
        assert isinstance(meta["result"], ZeroDivisionError)


def test_the_body_of_a_failed_chord_has_its_name_and_a_traceback(shop):
    divide, add = (shop.client.tasks[name] for name in ("shop.divide", "shop.add"))
    result = chord([divide.s(1, 0), add.s(1)], add.s()).apply_async()
    shop.work()
    meta = shop.meta(result.id)
    assert (meta["status"], meta["name"]) == ("FAILURE", "shop.add")
    assert isinstance(meta["result"], ChordError)
    assert "ZeroDivisionError" in meta["traceback"]


def sums(shop):
    """A chord of two parts: its body's result is 3."""
    add = shop.client.tasks["shop.add"]
    return chord([add.s(1), add.s(2)], add_all(shop)).apply_async()


def add_all(shop):
    return shop.client.tasks["shop.total"].s()


def test_a_chord_part_whose_function_is_lost_after_its_result_counts_on_redelivery(shop, monkeypatch):
    # given a chord, each of whose parts loses its function once, after storing its result and before being counted
    result = sums(shop)
    counted, lost = chords.count, []

    def lose(group_id, task_id):
        if task_id not in lost:
            lost.append(task_id)
            raise Killed
        return counted(group_id, task_id)

    monkeypatch.setattr(chords, "count", lose)
    shop.work()

    # then its body runs once
    assert len(lost) == 2
    assert shop.meta(result.id)["result"] == 3


def test_a_redelivered_chord_part_counts_once(shop):
    # given a chord, one of whose parts is delivered three times before the other
    result = sums(shop)
    first, other = shop.received()
    for message in (first, first, first):
        shop.deliver(message)
    assert shop.meta(result.id)["status"] == "PENDING"

    # when the other one is delivered, then the body runs
    shop.deliver(other)
    shop.work()
    assert shop.meta(result.id)["result"] == 3


def test_the_body_of_a_chord_with_a_revoked_part_is_a_failure(shop):
    # given a chord, one of whose parts is revoked before its message is delivered
    result = sums(shop)
    part = result.parent.results[0].id
    lifecycle.close(
        records.new(wire.Message(part, "shop.add"), queue="shop"), Status.REVOKED, MakertasksError("revoked by ann")
    )
    shop.work()

    # then the body has failed, as with a stock worker
    meta = shop.meta(result.id)
    assert meta["status"] == "FAILURE"
    assert isinstance(meta["result"], ChordError)


def test_the_body_of_a_chord_with_an_expired_part_is_a_failure(shop):
    add = shop.client.tasks["shop.add"]
    past = datetime.now(UTC) - timedelta(seconds=1)
    result = chord([add.s(1).set(expires=past), add.s(2)], add_all(shop)).apply_async()
    shop.work()
    assert isinstance(shop.meta(result.id)["result"], ChordError)


def test_the_steps_after_a_task_that_was_lost_after_its_failure_are_failures(shop, monkeypatch):
    divide, add = (shop.client.tasks[name] for name in ("shop.divide", "shop.add"))
    result = (divide.s(1, 0) | add.s(5)).apply_async()
    closed, lost = RecordBackend._close, []

    def lose(self, task_id, *rest):
        if not lost:
            lost.append(task_id)
            raise Killed
        closed(self, task_id, *rest)

    monkeypatch.setattr(RecordBackend, "_close", lose)
    shop.work()
    assert lost == [result.id]
    assert isinstance(shop.meta(result.id)["result"], ZeroDivisionError)
