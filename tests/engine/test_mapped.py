"""Celery's map, starmap and chunks with the stack's tasks, and messages too large for a schedule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from echo_task import NAME

from makertasks import clock, wire
from makertasks.records.states import Status
from makertasks.submission import delays

SIGNATURE = {"task": NAME, "args": [], "kwargs": {}, "options": {}, "subtask_type": None, "immutable": False}


def mapped(kind, entries, task=NAME, **options):
    return wire.Message(
        "over", f"celery.{kind}", kwargs={"task": {**SIGNATURE, "task": task}, "it": entries}, **options
    )


def run(echo, message):
    echo.queue.send(wire.encode(message, "echo"))
    assert echo.queue.deliver() == []
    return echo.record("over")


def test_map_runs_a_task_for_each_entry(echo):
    record = run(echo, mapped("map", ["a", "b"]))
    assert (record.status, record.name, record.queue) == (Status.SUCCESS, "celery.map", "echo")
    assert echo.result("over")["result"] == [{"text": "a"}, {"text": "b"}]


def test_starmap_gives_each_entry_as_arguments(echo):
    run(echo, mapped("starmap", [["a", 2], ["b", 3]]))
    assert echo.result("over")["result"] == [{"text": "aa"}, {"text": "bbb"}]


def test_a_chain_may_continue_with_a_map(echo):
    step = {"task": "celery.map", "args": [], "kwargs": {"task": SIGNATURE, "it": ["x"]}, "immutable": True,
            "options": {"task_id": "next"}, "subtask_type": "xmap"}  # fmt: skip
    run(echo, wire.Message("over", NAME, ["a"], chain=[step]))
    echo.queue.deliver()
    assert echo.result("next")["result"] == [{"text": "x"}]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (mapped("map", "abc"), "a list as `it`"),
        (mapped("map", ["a"], task="tests.other"), "a signature of tests.echo"),
        (mapped("map", ["a", 5]), "it: entry 1: text: expected `str`"),
        (mapped("starmap", ["a"]), "is not a list of arguments"),
    ],
)
def test_invalid_arguments_fail_at_once_and_nothing_runs(echo, message, reason):
    record = run(echo, message)
    assert (record.status, record.error_type, echo.calls) == (Status.FAILURE, "InvalidArguments", [])
    assert reason in record.error_message


def test_large_positional_arguments_can_wait_for_a_distant_eta(echo, media_bucket, aws):
    aws.client("scheduler").create_schedule_group(Name=delays.group())
    at = clock.now() + timedelta(hours=2)
    message = wire.Message("over", NAME, ["x" * 400_000], eta=at)
    record = run(echo, message)
    assert record.status == Status.PENDING
    kept = aws.client("scheduler").get_schedule(GroupName=delays.group(), Name=delays.name_of("over"))
    assert len(kept["Target"]["Input"]) < 4_000


def test_a_message_too_large_for_a_schedule_is_a_failure_with_that_reason(echo, media_bucket, aws):
    aws.client("scheduler").create_schedule_group(Name=delays.group())
    at = clock.now() + timedelta(hours=2)
    step = {**SIGNATURE, "args": ["x" * 149_500]}
    message = wire.Message("over", NAME, ["a"], eta=at, chain=[step])
    record = run(echo, message)
    assert (record.status, record.error_type) == (Status.FAILURE, "TooLong")
    assert "the limit of an EventBridge schedule is 262,144" in record.error_message
