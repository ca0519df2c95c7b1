"""Running a schedule manually: one run, however often somebody clicks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from echo_task import NAME

from makertasks import clock, settings, wire
from makertasks.errors import InvalidRequest
from makertasks.monitoring import schedules
from makertasks.records import lifecycle, notes
from makertasks.records.states import Status
from makertasks.submission import producer
from makertasks.submission.producer import Submission

ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture
def scheduled(echo, aws):
    """Two schedules of the echo task, and one that belongs to the system."""
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name=settings.stack())
    for name in ("nightly", "weekly", "sweep"):
        message = wire.encode(wire.Message(name, NAME, kwargs={"text": name}), "echo")
        scheduler.create_schedule(
            Name=name,
            GroupName=settings.stack(),
            ScheduleExpression="cron(0 3 * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:sqs:::echo", "RoleArn": ROLE, "Input": "-" if name == "sweep" else message},
        )
    return echo


def later(monkeypatch, **by):
    moment = clock.now() + timedelta(**by)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_twelve_clicks_are_one_run(scheduled):
    ids = {schedules.run_now("nightly", "ada") for _ in range(12)}
    assert (len(ids), scheduled.queue.count()) == (1, 1)


def test_twelve_concurrent_clicks_are_one_run(scheduled):
    schedules.get("nightly")  # creating moto's clients is not thread-safe
    with ThreadPoolExecutor(12) as pool:
        ids = set(pool.map(lambda _: schedules.run_now("nightly", "ada"), range(12)))
    assert (len(ids), scheduled.queue.count()) == (1, 1)


def test_a_run_that_has_just_finished_is_not_repeated_by_a_late_click(scheduled):
    first = schedules.run_now("nightly", "ada")
    scheduled.queue.deliver()
    assert scheduled.record(first).status == Status.SUCCESS
    assert schedules.run_now("nightly", "ada") == first
    assert scheduled.queue.count() == 0


def test_an_unfinished_run_remains_the_only_one_however_long_it_takes(scheduled, monkeypatch):
    first = schedules.run_now("nightly", "ada")
    later(monkeypatch, hours=1)
    assert schedules.run_now("nightly", "bob") == first


def test_a_later_run_or_one_of_another_schedule_is_a_new_run(scheduled, monkeypatch):
    first, other = schedules.run_now("nightly", "ada"), schedules.run_now("weekly", "ada")
    scheduled.queue.deliver()
    later(monkeypatch, seconds=16)
    second = schedules.run_now("nightly", "ada")
    assert len({first, second, other}) == 3
    assert (scheduled.record(second).status, scheduled.record(second).requested_by) == (Status.PENDING, "ada")


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_follows_one_that_was_deleted(scheduled, monkeypatch, kept):
    first = schedules.run_now("nightly", "ada")
    scheduled.queue.deliver()
    lifecycle.delete(first)
    if not kept:
        notes.delete("run-now#nightly")
    second = schedules.run_now("nightly", "ada")
    assert (second == first, scheduled.queue.count()) == (not kept, 1)


def test_a_call_that_stopped_before_its_note_is_repeated_as_the_same_run(scheduled, monkeypatch):
    # given
    with monkeypatch.context() as stopped:
        stopped.setattr(notes, "put", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            schedules.run_now("nightly", "ada")
    # when, then
    assert scheduled.record(schedules.run_now("nightly", "ada")).status == Status.PENDING
    assert scheduled.queue.count() == 1
    # and when that one has ended, the next is another
    scheduled.queue.deliver()
    notes.delete("run-now#nightly")
    later(monkeypatch, minutes=1)
    assert scheduled.record(schedules.run_now("nightly", "ada")).status == Status.PENDING


def test_a_system_schedule_cannot_be_run(scheduled):
    with pytest.raises(InvalidRequest, match="belongs to the system"):
        schedules.run_now("sweep", "ada")


def test_two_submissions_of_one_id_are_one_task(scheduled):
    assert {producer.submit(Submission(NAME, {"text": "x"}, task_id="one")).task_id for _ in range(2)} == {"one"}
    assert scheduled.queue.count() == 1
