"""Missed runs of schedules: due runs without a task, because they were missed or still wait in their queue.

A run's task has the scheduled time in its id, so a run that is not in the table has not started. This works only for
`cron` expressions; only Scheduler knows the times of a rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from makertasks import clock, settings, wire
from makertasks.monitoring import schedules
from makertasks.monitoring.schedules import Schedule
from makertasks.records import table as records
from makertasks.records.states import Status

# EventBridge Scheduler's placeholder for the scheduled time, and its format.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SLOT_PLACEHOLDER = "<aws.scheduler.scheduled-time>"
FORM = "%Y-%m-%dT%H:%M:%SZ"
# How far back to search, the shorter first: a schedule of every minute has ten thousand runs a week.
WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7))
MOST = 10
# Maximum delay of Scheduler, queue and function.
GRACE = timedelta(minutes=15)


class SeenSchedule(Schedule):
    """A schedule with the times of its latest missed runs, oldest first."""

    missed: list[str]


def seen(found: Iterable[Schedule]) -> list[SeenSchedule]:
    """Return schedules with their missed runs; raises Unavailable."""
    return [{**schedule, "missed": missed(schedule, clock.now())} for schedule in found]


def missed(schedule: Schedule, present: datetime) -> list[str]:
    """Return the latest missed runs since the schedule was last changed, at most a week ago; raises Unavailable.

    A disabled schedule has none.
    """
    task_id = schedule["task_id"]
    if (
        not schedule["enabled"]
        or task_id is None
        or SLOT_PLACEHOLDER not in task_id
        or not schedule["expression"].startswith("cron")
    ):
        return []
    keys = {
        wire.result_key(task_id.replace(SLOT_PLACEHOLDER, slot.strftime(FORM))): slot
        for slot in latest(schedule, present)
    }
    there = {record.id for record in records.get_states(keys)}
    return [clock.text(slot) for key, slot in keys.items() if key not in there]


def latest(schedule: Schedule, present: datetime) -> list[datetime]:
    """Return the latest runs that must have a task by now, oldest first."""
    kept = settings.retention_days(Status.SUCCESS)
    begin = max(
        clock.parse(schedule["changed"]) if schedule["changed"] else present,
        present - timedelta(days=kept) if kept else present - WINDOWS[-1],
    )
    slots: list[datetime] = []
    for window in WINDOWS:
        slots = list(_between(schedule, max(begin, present - window), present - GRACE))
        if len(slots) >= MOST:
            break
    return slots[-MOST:]


def _between(schedule: Schedule, first: datetime, last: datetime) -> Iterator[datetime]:
    due = schedules.next_run(schedule["expression"], schedule["timezone"], first)
    while due is not None and due <= last:
        yield due
        due = schedules.next_run(schedule["expression"], schedule["timezone"], due)
