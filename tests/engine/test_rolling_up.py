"""Rolling up counters of past days: readers see the same before and after, even after a crash."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from counter_samples import changes, image, life

from makertasks import clock
from makertasks.errors import Unavailable
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import counting, reading, rolling_up, statistics
from makertasks.monitoring.counters.cells import CounterCell

TODAY = "2026-11-22T09:30:00Z"
NAME = "shop.tasks.one"


@pytest.fixture
def fixed_clock():
    """A stopped clock that a test can set."""
    with time_machine.travel(clock.parse(TODAY), tick=False) as traveller:
        yield traveller


def everything():
    """What readers see: counts by day, in total, and in the statistics of ten days."""
    [total] = reading.totals()
    days = {day: names[NAME] for day, names in reading.days("2026-11").items()}
    since = clock.parse(TODAY) - timedelta(days=5)
    [by_name] = statistics.summary(since, since + timedelta(days=10))["by_name"]
    return days, total.counts, int(total.retried), by_name["counts"], by_name["runtime"]


def test_counting_a_task_of_today_costs_one_write_and_every_reader_sees_it(counters_table, fixed_clock):
    assert counting.count(changes([step for number in range(3) for step in life(number)])) == 1
    assert [cell.period for cell in CounterCell.scan()] == ["2026-11-22"]
    days, total, _, by_name, runtime = everything()
    assert (days, total, by_name) == ({"2026-11-22": {"SUCCESS": 3}}, {"SUCCESS": 3}, {"SUCCESS": 3})
    assert runtime["count"] == 3
    assert reading.months() == ["2026-11"]


def test_readers_see_the_same_before_and_after_a_day_is_rolled_up(counters_table, tasks_table, fixed_clock):
    counting.count(changes([*life(1), *life(2, ends_as="FAILURE"), *life(3, ends_as="RETRY")]))
    before = everything()
    for day in ("2026-11-23", "2026-11-24"):
        fixed_clock.move_to(clock.parse(f"{day}T09:30:00Z"))
        rolling_up.roll_up_ended()
        assert everything() == before
    assert {cell.period for cell in CounterCell.scan()} == {"2026-11-22", "2026-11", "months", "totals"}
    assert rolling_up.roll_up_ended() == 0
    assert rolling_up.roll_up("2026-11-22") == 0
    fixed_clock.move_to(clock.parse("2026-11-30T09:30:00Z"))
    assert everything() == before


def test_a_change_to_a_past_days_task_is_rolled_up_with_its_hour(counters_table, fixed_clock):
    fixed_clock.move_to(clock.parse("2026-11-27T09:30:00Z"))
    counting.count(changes([*life(1), *life(2)]))
    expiry = changes([("gone", image("SUCCESS"), None)])
    counting.count(expiry)
    counting.count(expiry)  # Lambda delivers it again
    [total] = counters.cells("totals")
    [day] = counters.cells("2026-11")
    assert total.counts == day.counts == {"SUCCESS": 1}
    assert total.removed == day.removed == {"SUCCESS": 1}


def expired(number, **more):
    return counting.change_of(f"{number:010}expired", image("SUCCESS", **more), None, expired=True)


def test_expiring_tasks_cost_one_write_each_and_one_roll_up_a_day(counters_table, tasks_table, fixed_clock):
    # given ten tasks of a day that is over and rolled up
    counting.count(changes([step for number in range(10) for step in life(number)]))
    fixed_clock.move_to(clock.parse("2026-12-22T09:30:00Z"))
    rolling_up.roll_up_ended()
    rolling_up.roll_up("2026-11-22")
    # when nine expire, one after the other, and Lambda delivers one of them twice
    for number in [*range(9), 3]:
        counting.count([expired(number)])
    # then the hour counts them, and the day is noted once
    assert [cell.counts for cell in counters.cells("2026-11-22")] == [{"SUCCESS": 1}]
    assert [cell.counts for cell in counters.cells("2026-11")] == [{"SUCCESS": 10}]
    assert [(cell.period, cell.cell) for cell in CounterCell.scan() if "late" in cell.period] == [
        ("late#2026-12-22", "2026-11-22")
    ]
    # and when that day is over, the sweep rolls up the noted one and forgets the note
    fixed_clock.move_to(clock.parse("2026-12-24T00:05:00Z"))
    assert rolling_up.roll_up_ended() == 1
    [total], [day] = counters.cells("totals"), counters.cells("2026-11")
    assert total.counts == day.counts == {"SUCCESS": 1}
    assert total.removed == day.removed == {"SUCCESS": 9}
    assert rolling_up.late_days() == set()


def test_the_next_sweep_completes_an_interrupted_late_roll_up(counters_table, tasks_table, fixed_clock, monkeypatch):
    # given an expired task, and a sweep that stops after it has rolled up the day's own tasks
    counting.count(changes(life(1)))
    fixed_clock.move_to(clock.parse("2026-12-22T09:30:00Z"))
    rolling_up.roll_up_ended()
    rolling_up.roll_up("2026-11-22")
    counting.count([expired(1)])
    fixed_clock.move_to(clock.parse("2026-12-24T00:05:00Z"))
    with monkeypatch.context() as stopped:
        stopped.setattr(CounterCell, "delete", lambda *_, **__: fails("", ""))
        with pytest.raises(Unavailable):
            rolling_up.roll_up_ended()
    # when the next one comes
    rolling_up.roll_up_ended()
    # then nothing is counted twice or forgotten
    assert [(total.counts, total.removed) for total in counters.cells("totals")] == [({}, {"SUCCESS": 1})]
    assert rolling_up.late_days() == set()


def test_an_expired_task_of_a_day_not_yet_rolled_up_leaves_no_note(counters_table, fixed_clock):
    counting.count(changes(life(1)))
    counting.count([expired(1)])
    assert rolling_up.late_days() == set()
    assert reading.days("2026-11") == {"2026-11-22": {NAME: {}}}


def test_redelivery_completes_an_interrupted_roll_up(counters_table, fixed_clock, monkeypatch):
    fixed_clock.move_to(clock.parse("2026-11-27T09:30:00Z"))
    with monkeypatch.context() as stopped:
        stopped.setattr(rolling_up, "roll_up", fails)
        with pytest.raises(Unavailable):
            counting.count(changes(life(1)))
    counting.count(changes(life(1)))
    assert reading.days("2026-11") == {"2026-11-22": {NAME: {"SUCCESS": 1}}}
    assert [total.counts for total in counters.cells("totals")] == [{"SUCCESS": 1}]


def fails(day, names):
    raise Unavailable("no answer")


def test_two_concurrent_roll_ups_add_a_day_once(counters_table, fixed_clock, monkeypatch):
    counting.count(changes(life(1)))
    real, depth = rolling_up.sums, []

    def another_in_between(day, **more):
        found = real(day, **more)
        if not depth:
            depth.append(day)
            assert rolling_up.roll_up(day) == 1
        return found

    monkeypatch.setattr(rolling_up, "sums", another_in_between)
    assert rolling_up.roll_up("2026-11-22") == 0
    assert [total.counts for total in counters.cells("totals")] == [{"SUCCESS": 1}]


def test_the_first_sweep_after_a_week_rolls_up_every_day(counters_table, tasks_table, fixed_clock):
    rolling_up.roll_up_ended()
    counting.count(changes(life(1)))
    fixed_clock.move_to(clock.parse("2026-11-29T00:10:00Z"))
    assert rolling_up.roll_up_ended() == 1
    assert [total.counts for total in counters.cells("totals")] == [{"SUCCESS": 1}]
