"""Rate limits: tasks of all environments start at even intervals and wait in the queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from echo_task import NAME

from makertasks import clock, tasks
from makertasks.control.revoking import revoke
from makertasks.errors import InvalidRequest
from makertasks.records import notes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker import rate_limits, task_limits


@pytest.fixture
def limited(echo, monkeypatch):
    """Echo tasks at a rate that a test sets."""
    monkeypatch.setattr(task_limits, "_cache", {})

    def set_rate(rate):
        task_limits.change(NAME, who="ada", rate_limit=rate)

    echo.set_rate = set_rate
    return echo


def test_rates_are_parsed_as_in_celery():
    assert [clock.interval_of(rate) for rate in ("10/m", "2/s", "100/h", "4", "0", "0/m")] == [
        6,
        0.5,
        36,
        0.25,
        None,
        None,
    ]
    for wrong in ("", "ten", "10/d", "-1/s", "10/"):
        with pytest.raises(ValueError, match="write it as '10/m'"):
            clock.interval_of(wrong)


def test_rate_limited_tasks_start_at_even_intervals(tasks_table):
    turns = [notes.take_turn("rate#t", 100.0, 6.0, 1000.0) for _ in range(4)]
    assert turns == [100, 106, 112, 118]
    assert notes.take_turn("rate#t", 500.0, 6.0, 1000.0) == 500


def test_a_start_time_beyond_the_horizon_is_not_reserved(tasks_table):
    for _ in range(5):
        notes.take_turn("rate#t", 100.0, 6.0, 110.0)
    assert notes.take_turn("rate#t", 100.0, 6.0, 110.0) == notes.take_turn("rate#t", 100.0, 6.0, 110.0) == 112


def seconds_after(start, slot):
    """Rounded to whole seconds."""
    return round((clock.parse(slot) - clock.parse(start)).total_seconds())


def test_tasks_beyond_the_rate_wait_without_using_an_attempt(limited):
    limited.set_rate("1/m")
    ids = [limited.submit(str(number)) for number in range(3)]
    assert len(limited.queue.deliver()) == 2
    [ran] = [record for task_id in ids if (record := limited.record(task_id)).status == Status.SUCCESS]
    waiting = [record for task_id in ids if (record := limited.record(task_id)).status == Status.PENDING]
    assert sorted(seconds_after(ran.started, each.slot) for each in waiting) == [60, 120]
    assert [each.attempt for each in waiting] == [0, 0]


def test_a_message_keeps_its_start_time_if_it_is_received_early_and_then_runs(limited):
    limited.set_rate("1/h")
    first, second = limited.submit("0"), limited.submit("1")
    [body] = limited.queue.deliver()
    [waiting] = [record for task_id in (first, second) if (record := limited.record(task_id)).slot]
    limited.queue.send(body)
    limited.queue.deliver()
    assert limited.record(waiting.task_id).slot == waiting.slot

    waiting.update(actions=[TaskRecord.slot.set(clock.text(clock.now()))])  # its start time has come
    limited.queue.send(body)
    limited.queue.deliver()
    assert sorted(limited.calls) == ["0", "1"]
    assert limited.record(waiting.task_id).slot is None


def test_finished_tasks_use_no_start_time_of_a_rate_limit(limited):
    limited.set_rate("1/m")
    first, revoked, third = (limited.submit(text) for text in ("a", "b", "c"))
    revoke(revoked)
    limited.queue.deliver()
    ran, waiting = sorted(
        (limited.record(task_id) for task_id in (first, third)), key=lambda each: each.status, reverse=True
    )
    assert seconds_after(ran.started, waiting.slot) == 60


def test_a_rate_limited_backlog_returns_at_its_start_times_instead_of_polling(limited):
    limited.set_rate("1/h")
    now = clock.now().timestamp()
    notes.take_turn(f"rate#{NAME}#1/h", now + 2 * rate_limits.HORIZON_SECONDS, 1, now + 1e9)
    task_id = limited.submit()
    assert len(limited.queue.deliver()) == 1
    assert limited.record(task_id).slot is None


def test_limits_can_be_changed_and_reset_to_the_definitions(limited):
    task = tasks.find(NAME)
    assert task_limits.of(task) == task_limits.Limits(None, None, None)
    assert task_limits.change(NAME, who="ada", rate_limit="10/m", time_limit=20).time_limit == 20
    assert task_limits.of(task) == task_limits.Limits("10/m", None, 20)
    task_limits.change(NAME, who="bob", rate_limit=None)
    assert task_limits.of(task) == task_limits.Limits(None, None, 20)
    assert notes.get(f"limits#{NAME}")["changed_by"] == "bob"


@pytest.mark.parametrize(
    ("wrong", "field"), [({"rate_limit": "often"}, "rate_limit"), ({"time_limit": 1800}, "time_limit")]
)
def test_impossible_limits_are_refused(limited, wrong, field):
    with pytest.raises(InvalidRequest) as refused:
        task_limits.change(NAME, who="ada", **wrong)
    assert refused.value.field == field


def test_a_changed_time_limit_applies_to_the_next_run(limited):
    def endless():
        while True:
            pass

    task_limits.change(NAME, who="ada", time_limit=0.05)
    limited.plan = [endless]
    task_id = limited.submit()
    limited.queue.deliver()
    record = limited.record(task_id)
    assert (record.status, record.error_type) == (Status.FAILURE, "TimeLimitExceeded")
    assert "the task's time limit" in record.error_message
    assert timedelta(seconds=float(record.runtime)) < timedelta(seconds=5)


def test_a_corrected_rate_limit_starts_tasks_at_once_despite_earlier_start_times(limited):
    # given: the next start time at the slow rate is a day away
    limited.set_rate("0.042/h")
    limited.submit("0")
    limited.queue.deliver()
    later = limited.submit("1")
    [body] = limited.queue.deliver()
    # when
    limited.set_rate("600/m")
    limited.queue.send(body)
    limited.queue.deliver()
    # then
    assert limited.record(later).status == Status.SUCCESS


def test_setting_the_same_rate_again_clears_its_next_start_time(limited):
    limited.set_rate("0.042/h")
    limited.submit("0")
    limited.queue.deliver()
    limited.set_rate("0.042/h")
    second = limited.submit("1")
    limited.queue.deliver()
    assert limited.record(second).status == Status.SUCCESS


def test_a_worker_with_the_old_rate_limit_does_not_delay_the_new_one(limited):
    limited.set_rate("1000/s")
    rate_limits.turn(records.get(limited.submit("0")), "0.042/h")  # read before the change
    second = limited.submit("1")
    limited.queue.deliver()
    assert limited.record(second).status == Status.SUCCESS


@pytest.mark.parametrize("rate", ["0.0000001/h", "0.04/h", "2000/s", "١/m", "10/m\n"])
def test_a_definition_with_an_impossible_rate_limit_is_refused(rate):
    with pytest.raises(tasks.InvalidDefinition, match=r"^tests\.t: rate_limit: "):
        tasks.Task("tests.t", run=lambda: None, rate_limit=rate)
