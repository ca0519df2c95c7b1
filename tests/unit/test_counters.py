"""Counting tasks from stream records that come repeated, with more behind them, and in any order of batches."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from makertasks import counters
from makertasks.counters import CounterCell

HOURS = ("2026-11-22T09", "2026-11-22T10", "2026-12-01T00")


def image(status, name="shop.tasks.one", hour=HOURS[0], **more):
    return {"name": name, "created": f"{hour}:00:00.000000Z", "status": status, **more}


def life(number, ends_as="SUCCESS", **more):
    """The three changes of a task's life, as (event, old, new)."""
    steps = [None, image("PENDING", **more), image("STARTED", **more), image(ends_as, runtime=0.2, **more)]
    return [(f"{number:010}{step}", steps[step], steps[step + 1]) for step in range(3)]


def changes(events):
    return [change for event in events if (change := counters.change_of(*event))]


def counted():
    """What the hours' cells say: {(hour, name): {status: tasks}}, and the same summed up from the days' cells."""
    by_hour = {(hour.hour, name): counts for hour in counters.hours("9", "0") for name, counts in hour.names.items()}
    by_day = {}
    for month in counters.months():
        for day, names in counters.days(month).items():
            for name, counts in names.items():
                by_day[day, name] = counts
    return by_hour, by_day


def test_a_task_counts_once_in_the_status_it_has(counters_table):
    counters.count(changes(life(1)[:2]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {"STARTED": 1}}
    counters.count(changes(life(1)[2:]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {"SUCCESS": 1}}
    assert counted()[1] == {("2026-11-22", "shop.tasks.one"): {"SUCCESS": 1}}


def test_a_deleted_or_expired_task_is_not_counted_any_more(counters_table):
    counters.count(changes([*life(1), ("gone", image("SUCCESS"), None)]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {}}


def test_changes_within_a_status_and_items_that_are_no_tasks_count_nothing(counters_table):
    progress = ("p", image("STARTED"), image("STARTED", progress={"done": 1}))
    group = ("g", None, {"id": "b'celery-taskset-meta-1'"})
    assert changes([progress, group]) == []


@settings(
    max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 10_000))
def test_repeated_and_longer_batches_count_once(counters_table, seed):
    for cell in CounterCell.scan():
        cell.delete()
    chance = random.Random(seed)
    lives = [
        life(number, chance.choice(["SUCCESS", "FAILURE"]), hour=chance.choice(HOURS), name=f"t.{chance.randrange(2)}")
        for number in range(12)
    ]
    events = changes([event for steps in zip(*lives, strict=True) for event in steps])
    place = 0
    while place < len(events):
        size = chance.randint(1, 8)
        counters.count(events[place : place + size])
        if chance.random() < 0.4:  # delivered again, perhaps from the batch before, perhaps with more behind it
            again = chance.randint(0, 6)
            counters.count(events[place : place + size + again])
            size += again
        place += size
    expected = {}
    for steps in lives:
        final = steps[-1][2]
        key = final["created"][:13], final["name"]
        counts = expected.setdefault(key, {})
        counts[final["status"]] = counts.get(final["status"], 0) + 1
    by_hour, by_day = counted()
    assert by_hour == expected
    assert sum(sum(counts.values()) for counts in by_day.values()) == len(lives)


def test_runtimes_are_kept_in_buckets_within_41_percent(counters_table):
    counters.count(changes(life(1)))
    [cell] = list(CounterCell.query("2026-11-22"))
    [bucket] = cell.runtimes
    assert 0.2 <= counters.bucket_limit(int(bucket)) <= 0.2 * 1.42
    assert float(cell.runtime_sum) == 0.2
