"""Counting tasks from stream records that come repeated, in other pieces, and in any order."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from makertasks import clock
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import seen_events, statistics
from makertasks.monitoring.counters.cells import CounterCell

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
        counters.count(batch)

    # then each change counts once
    by_hour, by_day = counted()
    assert by_hour == expected_of(lives)
    assert sum(sum(counts.values()) for counts in by_day.values()) == len(lives)


def test_a_batch_that_comes_again_one_by_one_counts_once(counters_table):
    lives = [life(number) for number in range(5)]
    batch = changes([event for steps in lives for event in steps])
    counters.count(batch)
    for change in batch:
        counters.count([change])
    assert counted()[0] == expected_of(lives)


@given(st.integers(1, 300), st.integers(1, 3))
def test_what_a_cell_remembers_stays_small_where_tasks_come_one_by_one(tasks, at_once):
    remembered = []
    for number in range(tasks):
        remembered = seen_events.remember(remembered, [f"{number}/{place}" for place in range(at_once)])
    assert len(remembered) >= min(tasks, seen_events.BATCHES)
    assert sum(map(len, remembered)) <= seen_events.EVENTS * seen_events.DIGEST_BYTES


@given(st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=30), max_size=40))
def test_no_event_is_unseen_twice_within_what_is_remembered(batches):
    remembered, counts = [], Counter()
    for batch in batches[: seen_events.BATCHES]:
        events = [str(number) for number in batch]
        new = [events[place] for place in seen_events.unseen(remembered, events)]
        counts.update(new)
        if new:
            remembered = seen_events.remember(remembered, new)
    assert set(counts.values()) <= {1}
    assert set(counts) == {str(number) for batch in batches[: seen_events.BATCHES] for number in batch}


def test_whole_batches_are_remembered_however_large(counters_table):
    lives = [life(number) for number in range(100)]
    batch = changes([event for steps in lives for event in steps])
    for again in (batch, batch[150:], batch[:151]):
        counters.count(again)
    assert counted()[0] == expected_of(lives)


def test_runtimes_are_kept_in_buckets_within_half_of_themselves(counters_table):
    counters.count(changes(life(1)))
    [cell] = list(CounterCell.query("2026-11-22"))
    [bucket] = cell.runtimes
    assert 0.2 <= counters.bucket_limit(int(bucket)) <= 0.2 * 1.42
    assert float(cell.runtime_sum) == 0.2


def test_runtimes_by_period_come_from_all_that_was_counted_in_it(counters_table):
    runtimes = [0.1] * 9 + [10.0]
    ended = [
        counters.Change(f"{n:012}", HOURS[0], "shop.tasks.one", {"SUCCESS": 1}, 0, s) for n, s in enumerate(runtimes)
    ]
    counters.count(ended)
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
