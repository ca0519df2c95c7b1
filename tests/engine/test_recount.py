"""Recounting: differences are shown and repaired, except for cells with recent writes."""

from __future__ import annotations

import pytest

from makertasks import wire
from makertasks.monitoring.counters import counting, reading, rebuilding
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.monitoring.counters.rebuilding import Difference
from makertasks.records import table as records
from makertasks.records.states import Status

CREATED = records.clock.parse("2026-11-20T09:30:00Z")
HOUR = ("2026-11-20", "09#shop.tasks.one")


def image(record):
    return {"name": record.name, "created": record.created, "status": record.status}


@pytest.fixture
def shop(tasks_table, counters_table):
    """Three old tasks, counted."""
    tasks = []
    for number in range(3):
        message = wire.Message(task_id=f"task {number}", name="shop.tasks.one")
        record = records.new(message, queue="one", created=CREATED)
        record.status = (Status.SUCCESS if number else Status.FAILURE).value
        record.timestamp = int(CREATED.timestamp())
        record.save()
        tasks.append(record)
    counting.count([counting.change_of(f"{n:032}", None, image(record)) for n, record in enumerate(tasks)])
    return tasks


def test_without_a_difference_nothing_is_written(shop):
    answer = rebuilding.rebuild()
    assert (answer.examined, answer.differences, answer.moving) == (3, [], [])


def test_a_wrong_counter_is_shown_and_repaired(shop):
    cell = CounterCell.get(*HOUR)
    cell.counts = {"SUCCESS": 7}
    cell.save()
    expected = [Difference(*HOUR, {"SUCCESS": 7}, {"FAILURE": 1, "SUCCESS": 2})]
    assert rebuilding.rebuild(repair=False).differences == expected
    answer = rebuilding.rebuild()
    assert (answer.differences, answer.repaired) == (expected, 1)
    assert rebuilding.rebuild().differences == []


def test_deleted_counters_are_recreated(shop):
    for cell in CounterCell.scan():
        cell.delete()
    answer = rebuilding.rebuild()
    assert answer.repaired == 3
    assert reading.days("2026-11") == {"2026-11-20": {"shop.tasks.one": {"FAILURE": 1, "SUCCESS": 2}}}
    assert rebuilding.rebuild().differences == []


def test_counts_of_deleted_tasks_are_removed(shop):
    for record in shop:
        record.delete()
    assert rebuilding.rebuild().repaired == 3
    assert reading.days("2026-11") == {"2026-11-20": {"shop.tasks.one": {}}}


def test_counters_whose_tasks_have_just_changed_are_not_repaired(shop):
    record = records.new(wire.Message(task_id="new", name="shop.tasks.one"), queue="one", created=CREATED)
    record.save()  # and its stream record is still on its way
    answer = rebuilding.rebuild()
    assert answer.differences == []
    assert " ".join(HOUR) in answer.moving
    counting.count([counting.change_of("f" * 32, None, image(record))])
    assert rebuilding.rebuild().moving == []


def test_a_counter_that_changes_during_a_recount_is_not_repaired(shop, monkeypatch):
    cell = CounterCell.get(*HOUR)
    cell.counts = {"SUCCESS": 7}
    cell.save()
    scan = rebuilding._scan

    def scan_while_counting(answer):
        found = scan(answer)
        counting.count([counting.change_of("e" * 32, None, image(shop[0]))])
        return found

    monkeypatch.setattr(rebuilding, "_scan", scan_while_counting)
    answer = rebuilding.rebuild()
    assert answer.differences == []
    assert " ".join(HOUR) in answer.moving


def test_continuing_in_the_next_invocation_is_not_a_retry(shop):
    started = {**image(shop[0]), "status": "STARTED"}
    waits = {**started, "status": "RETRY"}
    assert counting.change_of("e", started, waits).retried == 0
    assert counting.change_of("e", started, {**waits, "attempts": [{"outcome": "RETRY"}]}).retried == 1
