"""Counting tasks from stream records that are redelivered, batched differently, and in any order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from counter_samples import HOURS, changes, counted, image, life
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from infra.capacity import CELL_BYTES
from makertasks import clock
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import counting, doubts, seen_events
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.monitoring.counters.rebuilding import BEHIND_SECONDS
from makertasks.records import table as records
from makertasks.wire import Message
from makertasks.worker import lost_changes


def test_a_task_counts_once_in_its_current_status(counters_table):
    counting.count(changes(life(1)[:2]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {"STARTED": 1}}
    counting.count(changes(life(1)[2:]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {"SUCCESS": 1}}
    assert counted()[1] == {("2026-11-22", "shop.tasks.one"): {"SUCCESS": 1}}


def test_a_deleted_or_expired_task_is_no_longer_counted(counters_table):
    counting.count(changes([*life(1), ("gone", image("SUCCESS"), None)]))
    assert counted()[0] == {(HOURS[0], "shop.tasks.one"): {}}


def test_changes_within_a_status_and_to_other_items_are_not_counted(counters_table):
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
def test_changes_count_once_in_any_batches_repeats_and_order(counters_table, seed):
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

    # when each shard is delivered in batches, some of them repeatedly: whole, in pieces, together with a
    # neighbouring batch, or in another order
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


def test_a_stream_batch_redelivered_record_by_record_counts_once(counters_table):
    lives = [life(number) for number in range(5)]
    batch = changes([event for steps in lives for event in steps])
    counting.count(batch)
    for change in batch:
        counting.count([change])
    assert counted()[0] == expected_of(lives)


@given(st.integers(1, 300), st.integers(1, 3))
def test_a_counters_list_of_counted_events_stays_small_with_single_records(tasks, at_once):
    remembered = []
    for number in range(tasks):
        events = [f"{number}/{place}" for place in range(at_once)]
        remembered, _ = seen_events.remember(remembered, events, moment=1_800_000_000 + number)
    assert len(remembered) >= min(tasks, seen_events.BATCHES)
    assert sum(map(seen_events.number_of, remembered)) <= seen_events.EVENTS
    assert sum(len(batch) + 1 for batch in remembered) + CELL_BYTES <= 1_024  # one write unit


@given(st.lists(st.lists(st.integers(0, 200), min_size=1, max_size=30), max_size=40))
def test_a_remembered_event_is_never_counted_twice(batches):
    remembered, counts = [], Counter()
    for batch in batches[: seen_events.BATCHES]:
        events = [str(number) for number in batch]
        new = [events[place] for place in seen_events.unseen(remembered, events)]
        counts.update(new)
        if new:
            remembered, _ = seen_events.remember(remembered, new)
    assert set(counts.values()) <= {1}
    assert set(counts) == {str(number) for batch in batches[: seen_events.BATCHES] for number in batch}


def test_a_shard_redelivered_late_is_counted_correctly_in_the_end(counters_table, tasks_table, time_passes):
    # given two shards of one stream, and tasks of one name and hour in both, as stored in the table
    hour, name, created = HOURS[0], "t.0", clock.parse(f"{HOURS[0]}:00:00Z")
    started = int(created.timestamp())
    for number in range(120):
        record = records.new(Message(task_id=f"{number:036}", name=name), queue="t", created=created)
        record.timestamp = started
        record.save()

    def batch(numbers, second):
        events = [(f"{number}", None, image("PENDING", name=name, hour=hour)) for number in numbers]
        return [counting.change_of(*event, started + second) for event in events]

    # when one shard's batch is counted, but its function stops before Lambda knows, and the other shard continues
    late = batch(range(20), second=0)
    counting.count(late)
    for second in range(1, 51):
        counting.count(batch(range(18 + 2 * second, 20 + 2 * second), second))
    assert counted()[0][hour, name] == {"PENDING": 120}
    assert doubts.known() == set()

    # then the redelivered change has been forgotten and counts twice, and its hour is noted
    counting.count(late)
    assert counted()[0][hour, name] == {"PENDING": 140}
    assert doubts.known() == {(hour, name)}

    # until the sweep recounts the hour, once
    time_passes(seconds=BEHIND_SECONDS + 1)
    assert lost_changes.repair(60) == 0
    time_passes(seconds=BEHIND_SECONDS + 1)
    assert lost_changes.repair(60) == 1
    assert counted()[0][hour, name] == {"PENDING": 120}
    assert doubts.known() == set()


def test_shards_read_in_parallel_need_no_recount(counters_table):
    lives = [life(number) for number in range(400)]
    shards = [changes([event for steps in lives[start::4] for event in steps]) for start in range(4)]
    for start in range(0, 300, 10):
        for shard in shards:
            batch = [replace(change, moment=1_800_000_000 + start // 5) for change in shard[start : start + 10]]
            counting.count(batch)
            counting.count(batch)
    assert counted()[0] == expected_of(lives)
    assert doubts.known() == set()


def test_repeats_of_batches_of_any_size_are_recognised(counters_table):
    lives = [life(number) for number in range(100)]
    batch = changes([event for steps in lives for event in steps])
    for again in (batch, batch[150:], batch[:151]):
        counting.count(again)
    assert counted()[0] == expected_of(lives)
