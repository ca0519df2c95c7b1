"""Periods and counts on pages: ranges of charts, the calendar, the numbers beside filters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from api.pages import (
    calendar,
    filter_counts,
    periods,
)
from makertasks.monitoring.counters import counting
from makertasks.records.states import Status

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_periods_are_whole_and_each_leads_to_its_tasks():
    wanted = periods.RANGES["hour"]
    points = periods.points(wanted, NOW, [("2026-11-22T08", {"SUCCESS": 2}), ("2026-11-20T08", {"SUCCESS": 9})])
    assert len(points) == 24
    assert points[-2].values == {"SUCCESS": 2}
    assert points[-2].link == (
        "/tasks?created_from=2026-11-22T08%3A00%3A00Z&created_to=2026-11-22T08%3A59%3A59.999999Z"
    )
    months = periods.columns(periods.RANGES["month"], datetime(2026, 2, 1, tzinfo=UTC))
    assert (months[0], months[-1], len(months)) == ("2025-03", "2026-02", 12)
    assert len(periods.columns(periods.RANGES["day"], NOW)) == 30


def test_the_calendar_narrows_from_years_to_hours(counters_table):
    # given two tasks of one hour, and one of another day of the month
    changes = [
        counting.change_of(f"{number:032x}", None, {"name": "a", "created": created, "status": Status.SUCCESS})
        for number, created in enumerate(["2026-11-22T09:10:00Z", "2026-11-22T09:20:00Z", "2026-11-03T01:00:00Z"])
    ]
    counting.count([change for change in changes if change])
    # when the reader follows the calendar from the year to an hour, then each step counts its tasks
    everything = calendar.calendar("", "")
    assert [period.label for period in everything.path] == ["All dates", "2026"]
    november = everything.within[0]
    days = calendar.calendar(november.created_from, november.created_to)
    assert [(day.label, day.count) for day in days.within] == [("3", 1), ("22", 2)]
    last = days.within[-1]
    hours = calendar.calendar(last.created_from, last.created_to)
    assert [(hour.label, hour.count) for hour in hours.within] == [("09:00", 2)]
    hour = hours.within[0]
    found = calendar.calendar(hour.created_from, hour.created_to)
    assert [period.label for period in found.path] == ["All dates", "2026", "November", "22", "09:00"]
    # and periods without tasks, or that are none, lead nowhere
    assert calendar.calendar(last.created_from, last.created_to, status="FAILURE").within == []
    assert calendar.calendar("2026-11-02", "2026-11-09").within == []
    assert calendar.calendar("2026-99-01", "nonsense").within == []


@dataclass
class Counted:
    """Counted tasks: two names and statuses, in two years."""

    quick = tuple(calendar.quick("2026-11-22", "2026-11-16"))

    def __post_init__(self):
        moments = ["2025-11-22T09:10:00Z", "2026-10-31T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-22T09:20:00Z"]
        tasks = [("a", Status.SUCCESS, moment) for moment in moments] + [("b", Status.FAILURE, moments[-1])]
        changes = [
            counting.change_of(f"{number:032x}", None, {"name": name, "created": created, "status": status})
            for number, (name, status, created) in enumerate(tasks)
        ]
        counting.count([change for change in changes if change])

    def quickly(self, **filters):
        """Counts of the date filters."""
        return [period.count for period in filter_counts.read(filters, self.quick)[1]]

    def of(self, **filters):
        """Counts of the filters; None if the counters do not include them."""
        return filter_counts.read(filters, self.quick)[0]


def test_filters_are_counted_by_name_status_and_date(counters_table):
    counted = Counted()
    assert counted.of() == filter_counts.Counts(5, {"SUCCESS": 4, "FAILURE": 1}, {"a": 4, "b": 1})
    assert counted.of(status="SUCCESS", name="a") == filter_counts.Counts(
        4, {"SUCCESS": 4, "FAILURE": 0}, {"a": 4, "b": 0}
    )
    assert (counted.quickly(), counted.quickly(status="FAILURE")) == ([2, 3, 3, 4], [1, 1, 1, 1])
    year, hour = calendar.year("2026"), calendar.hour("2026-11-22T09")
    assert counted.of(created_from=year.created_from, created_to=year.created_to).total == 4
    assert counted.of(created_from=hour.created_from, created_to=hour.created_to).total == 2


@pytest.mark.parametrize(
    "filters",
    [
        {"q": "drill"},
        {"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"},
        {"worker": "a@1"},
        {"scheduled": "true"},
        {"created_from": "2026-11-22T09:10:00Z"},
        {"created_from": "2020-01-01", "created_to": "2020-13-45T00"},
    ],
)
def test_filters_without_a_counter_have_no_count(counters_table, filters):
    assert Counted().of(**filters) is None
