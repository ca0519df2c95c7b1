"""Missed runs: which slots of a schedule have no task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from makertasks import clock, wire
from makertasks.monitoring import missed_runs, schedules
from makertasks.monitoring.missed_runs import SLOT_PLACEHOLDER
from makertasks.records import table as records

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def schedule(**other):
    usual = {
        "name": "update_average_lead_times", "description": "", "expression": "cron(0 3 * * ? *)", "timezone": "UTC",
        "enabled": True, "next_run": None, "changed": "2026-01-01T00:00:00.000000Z", "task": "n", "kwargs": {},
        "task_id": f"lead-times-{SLOT_PLACEHOLDER}",
    }  # fmt: skip
    return usual | other


def ran(*slots):
    for slot in slots:
        records.new(wire.Message(task_id=f"lead-times-{slot}", name="n"), queue="q").save()


@pytest.fixture(autouse=True)
def table(tasks_table):
    return tasks_table


def days(slots):
    return [slot[5:16] for slot in slots]


def test_a_slot_without_a_task_is_missed():
    # given a night of the last week in which nothing ran
    ran(*(f"2026-11-{day}T03:00:00Z" for day in (16, 17, 18, 20, 21, 22)))
    assert days(missed_runs.missed(schedule(), NOW)) == ["11-19T03:00"]


def test_slots_are_those_of_the_schedules_own_time_zone():
    ran(*(f"2026-11-{day}T02:00:00Z" for day in range(16, 22)))
    assert days(missed_runs.missed(schedule(timezone="Europe/Vienna"), NOW)) == ["11-22T02:00"]


def test_a_slot_counts_as_missed_only_after_a_grace_period():
    present = datetime(2026, 11, 22, 3, 10, tzinfo=UTC)
    ran(*(f"2026-11-{day}T03:00:00Z" for day in range(16, 22)))
    assert missed_runs.missed(schedule(), present) == []
    assert days(missed_runs.missed(schedule(), present + timedelta(minutes=6))) == ["11-22T03:00"]


def test_slots_before_a_schedules_change_or_after_records_expired_are_not_missed(monkeypatch):
    assert days(missed_runs.missed(schedule(changed="2026-11-20T12:00:00.000000Z"), NOW)) == [
        "11-21T03:00",
        "11-22T03:00",
    ]
    monkeypatch.setenv("RETENTION_DAYS_SUCCESS", "1")
    assert days(missed_runs.missed(schedule(), NOW)) == ["11-22T03:00"]


def test_only_the_latest_of_many_missed_slots_are_reported():
    found = missed_runs.missed(schedule(expression="cron(* * * * ? *)"), NOW)
    assert (len(found), days(found)[-1]) == (missed_runs.MOST, "11-22T11:45")


@pytest.mark.parametrize(
    "other",
    [{"enabled": False}, {"expression": "rate(5 minutes)"}, {"task": None, "task_id": None}, {"task_id": "always"}],
)
def test_disabled_schedules_and_those_without_named_slots_miss_nothing(other):
    assert missed_runs.missed(schedule(**other), NOW) == []


@pytest.mark.parametrize(
    ("present", "due"),
    [
        ("2026-10-25T00:29:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("2026-10-25T01:00:00Z", "2026-10-26T01:30:00Z"),  # 02:00 for the second time
        ("2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"),
        ("2027-03-27T02:00:00Z", "2027-03-29T00:30:00Z"),  # the night without 02:30
    ],
)
def test_a_run_in_an_hour_that_a_clock_change_repeats_or_skips_happens_once_or_never(present, due):
    """As in EventBridge Scheduler."""
    found = schedules.next_run("cron(30 2 * * ? *)", "Europe/Berlin", clock.parse(present))
    assert found == clock.parse(due)
