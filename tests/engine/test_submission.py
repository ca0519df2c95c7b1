"""Submitting once: ids, idempotency keys, and retrying a finished task."""

from __future__ import annotations

import base64
import json

import pytest
from echo_task import NAME

from makertasks import wire
from makertasks.control import retrying
from makertasks.errors import InvalidRequest, NotFound, PermanentError
from makertasks.monitoring import dead_letters as waiting_letters
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters


def test_an_idempotency_key_returns_the_first_tasks_id_even_after_it_finished(echo):
    first = echo.submit("a", idempotency_key="order 7")
    assert echo.submit("a", idempotency_key="order 7") == first
    echo.queue.deliver()
    assert echo.submit("a", idempotency_key="order 7") == first
    assert echo.queue.count() == 0
    assert echo.calls == ["a"]


def test_an_idempotency_key_with_other_arguments_is_refused(echo):
    echo.submit("a", idempotency_key="order 7")
    with pytest.raises(InvalidRequest, match="other arguments") as refused:
        echo.submit("b", idempotency_key="order 7")
    assert refused.value.field == "idempotency_key"
    assert echo.queue.count() == 1


def test_an_idempotency_key_expires(echo, monkeypatch):
    monkeypatch.setenv("IDEMPOTENCY_HOURS", "-1")
    assert echo.submit("a", idempotency_key="order 7") != echo.submit("a", idempotency_key="order 7")


def test_a_call_that_stopped_before_recording_is_completed_under_the_same_id(echo, monkeypatch):
    def stop(_record):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(lifecycle, "create", stop)
        with pytest.raises(KeyboardInterrupt):
            echo.submit("a", task_id="mine", idempotency_key="order 7")
    assert echo.submit("a", idempotency_key="order 7") == "mine"
    echo.queue.deliver()
    assert echo.record("mine").status == Status.SUCCESS


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_invalid_idempotency_key_is_refused(echo, key):
    with pytest.raises(InvalidRequest, match="1 to 255 characters"):
        echo.submit("a", idempotency_key=key)


def test_a_retry_is_a_new_task_that_names_the_old_one_and_the_difference(echo):
    echo.plan = [PermanentError("no")]
    old = echo.submit("wrong", max_retries=1, time_limit=7)
    echo.queue.deliver()
    new = retrying.retry(old, kwargs={"text": "right", "times": 2}, who="ada").task_id
    echo.queue.deliver()
    record = echo.record(new)
    assert (record.status, record.retry_of, record.requested_by) == (Status.SUCCESS, old, "ada")
    assert record.changes == {"text": {"from": "wrong", "to": "right"}, "times": {"to": 2}}
    assert (record.max_retries, wire.load_options(record.options)["time_limit"]) == (1, 7)
    assert echo.record(old).retried_to == [new]
    assert echo.record(old).status == Status.FAILURE


def test_a_retry_with_the_same_arguments_shows_no_difference(echo):
    old = echo.submit()
    echo.queue.deliver()
    assert echo.record(retrying.retry(old).task_id).changes is None


def test_a_retry_requested_twice_under_one_id_happens_once(echo):
    old = echo.submit()
    echo.queue.deliver()
    for _ in range(2):
        retrying.retry(old, new_id="new")
    assert echo.record(old).retried_to == ["new"]
    assert echo.queue.count() == 1


def test_unfinished_and_missing_tasks_are_not_retried(echo):
    with pytest.raises(InvalidRequest, match="has not finished"):
        retrying.retry(echo.submit())
    with pytest.raises(NotFound):
        retrying.retry("nothing")


def test_a_retry_whose_arguments_do_not_fit_is_refused(echo):
    old = echo.submit()
    echo.queue.deliver()
    with pytest.raises(InvalidRequest) as refused:
        retrying.retry(old, kwargs={"text": 5})
    assert refused.value.field == "kwargs.text"


def test_a_dead_letter_is_redriven_with_its_own_arguments(echo):
    body = wire.encode(wire.Message(task_id="dead", name=NAME, kwargs={"text": "late"}), "echo")
    dead_letters.record(body, message_id="m", queue="echo", sent=records.clock.now())
    assert echo.record("dead").error_type == "DeadLetter"
    new = retrying.redrive("dead", who="ada")
    echo.queue.deliver()
    assert (echo.calls, echo.record(new).retry_of) == (["late"], "dead")


def test_a_dead_letter_redriven_twice_is_one_task_unless_that_failed(echo):
    body = wire.encode(wire.Message(task_id="dead", name=NAME, kwargs={"text": "late"}), "echo")
    dead_letters.record(body, message_id="m", queue="echo", sent=records.clock.now())
    echo.plan = [PermanentError("no")]
    first = retrying.redrive("dead", who="ada")
    assert retrying.redrive("dead", who="ada") == first
    echo.queue.deliver()
    assert echo.calls == ["late"]
    second = retrying.redrive("dead", who="ada")
    assert second != first
    echo.queue.deliver()
    assert retrying.redrive("dead", who="ada") == second
    assert echo.calls == ["late", "late"]


def test_a_dead_letter_that_still_cannot_be_read_is_refused_with_the_reason(echo):
    body = base64.b64encode(b'{"half": ').decode()
    dead_letters.record(body, message_id="m", queue="echo", sent=records.clock.now())
    record = echo.record("m")
    assert (record.status, record.body) == (Status.FAILURE, body)
    with pytest.raises(InvalidRequest, match="still cannot be read"):
        retrying.redrive("m")


@pytest.mark.usefixtures("counters_table")
def test_dead_letters_are_counted_by_queue_until_they_are_sent_again(echo):
    for number in ("first", "second"):
        body = wire.encode(wire.Message(task_id=number, name=NAME, kwargs={"text": number}), "echo")
        dead_letters.record(body, message_id=number, queue="echo", sent=records.clock.now())
    assert waiting_letters.counts() == {"echo": 2}
    retrying.redrive("first", who="ada")
    assert waiting_letters.counts() == {"echo": 1}
    letters, is_complete = waiting_letters.not_redriven("echo")
    assert ([letter.task_id for letter in letters], is_complete) == (["second"], True)


@pytest.mark.parametrize(
    ("body", "name", "queue"),
    [
        (wire.encode(wire.Message("m", NAME, kwargs={"text": "a"}), "echo"), NAME, "echo"),
        (wire.encode(wire.Message("m", "tasks.gone"), "gone"), "tasks.gone", "gone"),
        ("no message", "unknown", "unknown"),
        ('{"text": "a"}', "unknown", "unknown"),
    ],
)
def test_a_dead_letter_of_an_unknown_queue_is_recorded_under_the_task_it_names(echo, body, name, queue):
    dead_letters.record(body, message_id="m", queue="", sent=records.clock.now())
    record = echo.record("m")
    assert (record.status, record.name, record.queue) == ("FAILURE", name, queue)


def test_a_dead_letter_that_is_deleted_or_gone_is_not_counted(echo):
    for number in ("deleted", "gone"):
        dead_letters.record("{", message_id=number, queue="echo", sent=records.clock.now())
    assert waiting_letters.counts() == {"echo": 2}
    lifecycle.delete("deleted")
    assert waiting_letters.counts() == {"echo": 1}
    records.get("gone").delete()  # as DynamoDB does when its time to live has expired
    assert waiting_letters.not_redriven("echo") == ([], True)
    assert waiting_letters.counts() == {}


def test_only_dead_letters_are_redriven(echo):
    task_id = echo.submit()
    echo.queue.deliver()
    with pytest.raises(InvalidRequest, match="not a dead letter"):
        retrying.redrive(task_id)


def test_plain_arguments_in_a_dead_letter_are_redriven_to_the_same_task(echo):
    body = json.dumps({"text": "from the console"})
    assert dead_letters.record(body, message_id="m", queue="echo", sent=records.clock.now()) == "m"
    assert echo.record("m").name in {NAME, "echo"}
