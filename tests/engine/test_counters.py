"""Counting tasks from stream records that come repeated, in other pieces, and in any order."""

from __future__ import annotations

import doctest
import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from infra.capacity import CELL_BYTES
from makertasks import clock
from makertasks.errors import Unavailable
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import counting, doubts, reading, rolling_up, samples, seen_events, statistics
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.monitoring.counters.rebuilding import BEHIND_SECONDS
from makertasks.records import table as records
from makertasks.wire import Message
from makertasks.worker import lost_changes

HOURS = ("2026-11-22T09", "2026-11-22T10", "2026-12-01T00")


def image(status, name="shop.tasks.one", hour=HOURS[0], **more):
    return {"name": name, "created": f"{hour}:00:00.000000Z", "status": status, **more}


def life(number, ends_as="SUCCESS", **more):
    """The three changes of a task's life, as (event, old, new)."""
    steps = [None, image("PENDING", **more), image("STARTED", **more), image(ends_as, runtime=0.2, **more)]
    return [(f"{number:010}{step}", steps[step], steps[step + 1]) for step in range(3)]


def changes(events):
    return [change for event in events if (change := counting.change_of(*event))]


def counted():
    """What the hours' cells say: {(hour, name): {status: tasks}}, and the same summed up from the days' cells."""
    by_hour = {(hour.hour, name): counts for hour in reading.hours("9", "0") for name, counts in hour.names.items()}
    by_day = {}
    for month in reading.months():
        for day, names in reading.days(month).items():
            for name, counts in names.items():
                by_day[day, name] = counts
    return by_hour, by_day


def test_a_task_counts_once_in_the_status_it_has(counters_table):
    counting.count(changes(life(1)[:2]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {"STARTED": 1}}
    counting.count(changes(life(1)[2:]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {"SUCCESS": 1}}
    assert counted()[1] == {("2026-11-22", "shop.tasks.one"): {"SUCCESS": 1}}


def test_a_deleted_or_expired_task_is_not_counted_any_more(counters_table):
    counting.count(changes([*life(1), ("gone", image("SUCCESS"), None)]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {}}


def test_changes_within_a_status_and_items_that_are_no_tasks_count_nothing(counters_table):
    progress = ("p", image("STARTED"), image("STARTED", progress={"done": 1}))
    group = ("g", None, {"id": "b'celery-taskset-meta-1'"})
    assert changes([progress, group]) == []


def expected_of(lives):
    counts = {}
    for steps in lives:
        final = steps[-1][2]
        cell = counts.setdefault((final["created"][:13], final["name"]), {})
        cell[final["status"]] = cell.get(final["status"], 0) + 1
    return counts


def cut(chance, events):
    """Pieces of a list, in its order."""
    pieces, place = [], 0
    while place < len(events):
        size = chance.randint(1, 8)
        pieces.append(events[place : place + size])
        place += size
    return pieces


@settings(
    max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 10_000))
def test_changes_count_once_however_they_are_cut_repeated_and_ordered(counters_table, seed):
    # given the changes of a dozen tasks, spread over two shards
    counters.connect()
    for cell in CounterCell.scan():
        cell.delete()
    chance = random.Random(seed)
    lives = [
        life(number, chance.choice(["SUCCESS", "FAILURE"]), hour=chance.choice(HOURS), name=f"t.{chance.randrange(2)}")
        for number in range(12)
    ]
    shards = [changes([event for steps in zip(*lives[start::2], strict=True) for event in steps]) for start in range(2)]

    # when each shard is handed over in batches, some of them twice and more: whole, in pieces, together with the batch
    # before or behind, or in another order
    deliveries = []
    for shard in shards:
        pieces = cut(chance, shard)
        for place, piece in enumerate(pieces):
            deliveries.append(piece)
            around = [change for near in pieces[max(place - 1, 0) : place + 2] for change in near]
            if chance.random() < 0.5:
                deliveries += chance.choice(
                    [[piece], [around], cut(chance, around), [chance.sample(around, len(around))]]
                )
    chance.shuffle(deliveries)
    for batch in deliveries:
        counting.count(batch)

    # then each change counts once
    by_hour, by_day = counted()
    assert by_hour == expected_of(lives)
    assert sum(sum(counts.values()) for counts in by_day.values()) == len(lives)


def test_a_batch_that_comes_again_one_by_one_counts_once(counters_table):
    lives = [life(number) for number in range(5)]
    batch = changes([event for steps in lives for event in steps])
    counting.count(batch)
    for change in batch:
        counting.count([change])
    assert counted()[0] == expected_of(lives)


@given(st.integers(1, 300), st.integers(1, 3))
def test_what_a_cell_remembers_stays_small_where_tasks_come_one_by_one(tasks, at_once):
    remembered = []
    for number in range(tasks):
        events = [f"{number}/{place}" for place in range(at_once)]
        remembered, _ = seen_events.remember(remembered, events, moment=1_800_000_000 + number)
    assert len(remembered) >= min(tasks, seen_events.BATCHES)
    assert sum(map(seen_events.number_of, remembered)) <= seen_events.EVENTS
    assert sum(len(batch) + 1 for batch in remembered) + CELL_BYTES <= 1_024  # one write unit


@given(st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=30), max_size=40))
def test_no_event_is_unseen_twice_within_what_is_remembered(batches):
    remembered, counts = [], Counter()
    for batch in batches[: seen_events.BATCHES]:
        events = [str(number) for number in batch]
        new = [events[place] for place in seen_events.unseen(remembered, events)]
        counts.update(new)
        if new:
            remembered, _ = seen_events.remember(remembered, new)
    assert set(counts.values()) <= {1}
    assert set(counts) == {str(number) for batch in batches[: seen_events.BATCHES] for number in batch}


def test_a_shard_that_comes_again_after_the_others_went_on_is_counted_right_in_the_end(
    counters_table, tasks_table, time_passes
):
    # given two shards of one stream, and tasks of one name and hour in both, as they stand in the table
    hour, name, created = HOURS[0], "t.0", clock.parse(f"{HOURS[0]}:00:00Z")
    started = int(created.timestamp())
    for number in range(120):
        record = records.new(Message(task_id=f"{number:036}", name=name), queue="t", created=created)
        record.timestamp = started
        record.save()

    def batch(numbers, second):
        events = [(f"{number}", None, image("PENDING", name=name, hour=hour)) for number in numbers]
        return [counting.change_of(*event, started + second) for event in events]

    # when one shard's batch is counted, but its function dies before Lambda knows, and the other shard goes on
    late = batch(range(20), second=0)
    counting.count(late)
    for second in range(1, 51):
        counting.count(batch(range(18 + 2 * second, 20 + 2 * second), second))
    assert counted()[0][hour, name] == {"PENDING": 120}
    assert doubts.known() == set()

    # then what comes again after that is not known any more, and counts twice, which is noted
    counting.count(late)
    assert counted()[0][hour, name] == {"PENDING": 140}
    assert doubts.known() == {(hour, name)}

    # until the sweep counts the hour anew, once
    time_passes(seconds=BEHIND_SECONDS + 1)
    assert lost_changes.repair(60) == 0
    time_passes(seconds=BEHIND_SECONDS + 1)
    assert lost_changes.repair(60) == 1
    assert counted()[0][hour, name] == {"PENDING": 120}
    assert doubts.known() == set()


def test_shards_that_continue_side_by_side_leave_no_doubt(counters_table):
    lives = [life(number) for number in range(400)]
    shards = [changes([event for steps in lives[start::4] for event in steps]) for start in range(4)]
    for start in range(0, 300, 10):
        for shard in shards:
            batch = [replace(change, moment=1_800_000_000 + start // 5) for change in shard[start : start + 10]]
            counting.count(batch)
            counting.count(batch)
    assert counted()[0] == expected_of(lives)
    assert doubts.known() == set()


def test_whole_batches_are_remembered_however_large(counters_table):
    lives = [life(number) for number in range(100)]
    batch = changes([event for steps in lives for event in steps])
    for again in (batch, batch[150:], batch[:151]):
        counting.count(again)
    assert counted()[0] == expected_of(lives)


def test_runtimes_are_kept_in_buckets_within_half_of_themselves(counters_table):
    counting.count(changes(life(1)))
    [cell] = list(CounterCell.query("2026-11-22"))
    [bucket] = cell.runtimes
    assert 0.2 <= counters.bucket_limit(int(bucket)) <= 0.2 * 1.42
    assert float(cell.runtime_sum) == 0.2


def test_runtimes_by_period_come_from_all_that_was_counted_in_it(counters_table):
    runtimes = [0.1] * 9 + [10.0]
    ended = [
        counting.Change(f"{n:012}", HOURS[0], "shop.tasks.one", {"SUCCESS": 1}, 0, s) for n, s in enumerate(runtimes)
    ]
    counting.count(ended)
    begun = clock.parse(f"{HOURS[0]}:00:00Z")
    counted = statistics.read(begun, begun + timedelta(hours=2))
    by_hour = statistics.runtimes_by_period(counted, len(HOURS[0]))
    assert list(by_hour) == [HOURS[0]]
    found = by_hour[HOURS[0]]["shop.tasks.one"]
    assert (found["count"], found["mean"]) == (10, 1.09)
    assert found["p50"] < 0.13
    assert found["p95"] > 7
    [by_name] = statistics.summary_of(counted)["by_name"]
    assert by_name["runtime"] == found


TODAY = "2026-11-22T09:30:00Z"
NAME = "shop.tasks.one"


@pytest.fixture
def time_stands():
    """A clock that stands still, and that a test may set."""
    with time_machine.travel(clock.parse(TODAY), tick=False) as traveller:
        yield traveller


def everything():
    """What readers see: by day, in total, and in the statistics of ten days."""
    [total] = reading.totals()
    days = {day: names[NAME] for day, names in reading.days("2026-11").items()}
    since = clock.parse(TODAY) - timedelta(days=5)
    [by_name] = statistics.summary(since, since + timedelta(days=10))["by_name"]
    return days, total.counts, int(total.retried), by_name["counts"], by_name["runtime"]


def test_a_task_of_today_is_one_write_and_every_reader_counts_it_at_once(counters_table, time_stands):
    assert counting.count(changes([step for number in range(3) for step in life(number)])) == 1
    assert [cell.period for cell in CounterCell.scan()] == ["2026-11-22"]
    days, total, _, by_name, runtime = everything()
    assert (days, total, by_name) == ({"2026-11-22": {"SUCCESS": 3}}, {"SUCCESS": 3}, {"SUCCESS": 3})
    assert runtime["count"] == 3
    assert reading.months() == ["2026-11"]


def test_readers_see_the_same_before_a_day_is_rolled_up_and_after(counters_table, tasks_table, time_stands):
    counting.count(changes([*life(1), *life(2, ends_as="FAILURE"), *life(3, ends_as="RETRY")]))
    before = everything()
    for day in ("2026-11-23", "2026-11-24"):
        time_stands.move_to(clock.parse(f"{day}T09:30:00Z"))
        rolling_up.roll_up_ended()
        assert everything() == before
    assert {cell.period for cell in CounterCell.scan()} == {"2026-11-22", "2026-11", "months", "totals"}
    assert rolling_up.roll_up_ended() == 0
    assert rolling_up.roll_up("2026-11-22") == 0
    time_stands.move_to(clock.parse("2026-11-30T09:30:00Z"))
    assert everything() == before


def test_a_task_of_an_ended_day_that_changes_is_rolled_up_with_its_hour(counters_table, time_stands):
    time_stands.move_to(clock.parse("2026-11-27T09:30:00Z"))
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


def test_tasks_that_expire_one_by_one_cost_one_write_each_and_their_day_one_roll_up(
    counters_table, tasks_table, time_stands
):
    # given ten tasks of a day that is over and rolled up
    counting.count(changes([step for number in range(10) for step in life(number)]))
    time_stands.move_to(clock.parse("2026-12-22T09:30:00Z"))
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
    time_stands.move_to(clock.parse("2026-12-24T00:05:00Z"))
    assert rolling_up.roll_up_ended() == 1
    [total], [day] = counters.cells("totals"), counters.cells("2026-11")
    assert total.counts == day.counts == {"SUCCESS": 1}
    assert total.removed == day.removed == {"SUCCESS": 9}
    assert rolling_up.late_days() == set()


def test_a_late_roll_up_that_stopped_is_made_up_for_by_the_next_sweep(
    counters_table, tasks_table, time_stands, monkeypatch
):
    # given an expired task, and a sweep that stops after it has rolled up the day's own tasks
    counting.count(changes(life(1)))
    time_stands.move_to(clock.parse("2026-12-22T09:30:00Z"))
    rolling_up.roll_up_ended()
    rolling_up.roll_up("2026-11-22")
    counting.count([expired(1)])
    time_stands.move_to(clock.parse("2026-12-24T00:05:00Z"))
    with monkeypatch.context() as stopped:
        stopped.setattr(CounterCell, "delete", lambda *_, **__: fails("", ""))
        with pytest.raises(Unavailable):
            rolling_up.roll_up_ended()
    # when the next one comes
    rolling_up.roll_up_ended()
    # then nothing is counted twice or forgotten
    assert [(total.counts, total.removed) for total in counters.cells("totals")] == [({}, {"SUCCESS": 1})]
    assert rolling_up.late_days() == set()


def test_an_expired_task_of_a_day_that_is_still_counted_is_not_noted(counters_table, time_stands):
    counting.count(changes(life(1)))
    counting.count([expired(1)])
    assert rolling_up.late_days() == set()
    assert reading.days("2026-11") == {"2026-11-22": {NAME: {}}}


def test_a_roll_up_that_stopped_is_made_up_for_when_the_batch_comes_again(counters_table, time_stands, monkeypatch):
    time_stands.move_to(clock.parse("2026-11-27T09:30:00Z"))
    with monkeypatch.context() as stopped:
        stopped.setattr(rolling_up, "roll_up", fails)
        with pytest.raises(Unavailable):
            counting.count(changes(life(1)))
    counting.count(changes(life(1)))
    assert reading.days("2026-11") == {"2026-11-22": {NAME: {"SUCCESS": 1}}}
    assert [total.counts for total in counters.cells("totals")] == [{"SUCCESS": 1}]


def fails(day, names):
    raise Unavailable("no answer")


def test_two_that_roll_up_at_once_add_a_day_once(counters_table, time_stands, monkeypatch):
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


def test_a_sweep_that_stood_still_for_a_week_rolls_up_every_day_since(counters_table, tasks_table, time_stands):
    rolling_up.roll_up_ended()
    counting.count(changes(life(1)))
    time_stands.move_to(clock.parse("2026-11-29T00:10:00Z"))
    assert rolling_up.roll_up_ended() == 1
    assert [total.counts for total in counters.cells("totals")] == [{"SUCCESS": 1}]


def runs_of(*seconds):
    """A cell that counted these runs one after the other."""
    cell = counters.CounterCell("2026-11-22", "09#shop.tasks.one")
    for number, each in enumerate(seconds):
        counting._add(
            cell, [counting.Change(str(number), "2026-11-22T09", "shop.tasks.one", {"SUCCESS": 1}, runtime=each)]
        )
    return cell


def test_percentiles_of_few_runs_are_those_runs():
    found = statistics._runtime_of([runs_of(0.1, 0.2, 0.3), runs_of(2.5)])
    assert (found["p50"], found["p95"], found["longest"], found["exact"]) == (0.2, 2.5, 2.5, True)


def test_percentiles_of_many_runs_are_estimates_and_never_above_the_longest():
    found = statistics._runtime_of([runs_of(*[1.0] * 101)])
    assert (found["exact"], found["longest"]) == (False, 1.0)
    assert max(found["p50"], found["p95"], found["p99"]) <= 1.0


def test_runs_counted_before_single_ones_were_kept_are_estimated():
    cell = runs_of(0.1, 0.2)
    cell.samples = cell.longest = None  # as an earlier release left it
    counting._add(cell, [counting.Change("x", "2026-11-22T09", "shop.tasks.one", {"SUCCESS": 1}, runtime=0.3)])
    found = statistics._runtime_of([cell])
    assert (found["count"], found["exact"]) == (3, False)


def test_a_days_runs_are_those_of_its_hours_and_what_it_gains_is_the_difference():
    day = counters.CounterCell("2026-11", "22#shop.tasks.one")
    for hour in (runs_of(0.1, 0.2), runs_of(0.3)):
        day.add(hour)
    assert (samples.read(day.samples), day.longest) == ([0.1, 0.2, 0.3], 0.3)
    day.add(runs_of(0.2), -1)
    assert samples.read(day.samples) == [0.1, 0.3]


def test_examples_of_samples_are_true():
    failed, tried = doctest.testmod(samples)
    assert (failed, tried > 0) == (0, True)
