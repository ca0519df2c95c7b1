"""A busy stack spreads its keys: everything is found and counted as before, also what was written before the change."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from test_listing import NAMES, make_task, pages

from makertasks import clock
from makertasks.monitoring import listing, queues
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import counting, reading, rebuilding, repairing, statistics
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import ACTIVE, Status
from makertasks.worker import sweeping

TASKS = 32  # as many as the pages of test_listing have


def fill(first: int, count: int) -> None:
    """Tasks of the last twenty hours, in every status, counted."""
    chance = random.Random(first)
    made = [
        make_task(number, datetime.now(UTC) - timedelta(hours=chance.random() * 20), chance)
        for number in range(first, first + count)
    ]
    images = [record.attribute_values for record in made]
    counting.count([counting.change_of(f"event-{first + number}", None, image) for number, image in enumerate(images)])


@pytest.fixture(params=["0 of 32 before", "16 of 32 before"])
def stack(request, tasks_table, counters_table, monkeypatch):
    """A stack with five shards that had one before; returns all records, newest first."""
    before = int(request.param.split()[0])
    fill(0, before)
    monkeypatch.setenv("KEY_SHARDS", "5")
    fill(before, TASKS - before)
    return sorted(TaskRecord.scan(), key=lambda record: (record.created, record.id), reverse=True)


def test_keys_are_spread_over_shards(stack):
    last = [record for record in stack if int(record.task_id[-3:]) >= 16]
    assert len({record.name_key.partition("#")[2].partition("#")[2] for record in last}) > 1
    assert {key.count("#") for key in records.name_keys("n", "h")} == {1, 2}
    assert len(records.active_keys()) == 20


def test_every_list_equals_a_plain_filter(stack):
    for wanted in [
        listing.Filter(),
        *(listing.Filter(status=status) for status in Status),
        *(listing.Filter(name=name) for name in NAMES),
        listing.Filter(name=NAMES[0], status=Status.SUCCESS),
    ]:
        assert pages(wanted, 7) == [record.task_id for record in stack if wanted.admits(record)], wanted


def test_every_number_equals_a_plain_count(stack):
    present = clock.now()
    summary = statistics.summary(present - timedelta(days=2), present)
    assert summary["totals"] == Counter(record.status for record in stack)
    for entry in summary["by_name"]:
        assert entry["counts"] == Counter(record.status for record in stack if record.name == entry["name"])
    assert sum(sum(period["counts"].values()) for period in summary["series"]) == TASKS
    totals = {cell.name: cell.counts for cell in reading.totals()}
    assert totals == {entry["name"]: entry["counts"] for entry in summary["by_name"]}


def test_a_task_that_ends_after_the_change_is_counted_once(stack):
    for record in stack:
        image = record.attribute_values
        if record.status in set(ACTIVE):
            counting.count([counting.change_of(f"end of {record.id}", image, {**image, "status": "SUCCESS"})])
    present = clock.now()
    totals = statistics.summary(present - timedelta(days=2), present)["totals"]
    assert sum(totals.values()) == TASKS
    assert not set(totals) & set(ACTIVE)


def test_the_sweep_and_the_pages_read_every_shard(stack):
    active = [record for record in stack if record.status in set(ACTIVE)]
    assert sweeping.sweep(60).examined == len(active)
    assert set(queues.oldest_waiting()) == {record.name for record in stack if record.status == Status.PENDING}


def test_a_second_recount_finds_the_same(stack, time_passes):
    time_passes(hours=1)
    rebuilding.rebuild()
    assert rebuilding.rebuild().differences == []
    test_every_number_equals_a_plain_count(stack)


def test_a_wrong_hour_counter_is_repaired(stack, time_passes):
    time_passes(hours=1)
    hour, name = clock.hour(stack[-1].created), stack[-1].name
    for cell in counters.cells(hour[:10]):
        if cell.name == name and cell.hour == hour:
            cell.delete()
    assert repairing.repair(name, hour)
    expected = Counter(r.status for r in stack if r.name == name and clock.hour(r.created) == hour)
    [found] = [each for each in reading.hours(hour, hour) if each.hour == hour]
    assert found.names[name] == expected
