"""Slots of a schedule that came due and have no task: missed, or still waiting in their queue.

A slot's task has the slot's time in its id, so what is not in the table has not begun. Only `cron` expressions have
slots that can be named; of a rate nobody but Scheduler knows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from makertasks import clock, settings, wire
from makertasks.monitoring import schedules
from makertasks.monitoring.schedules import Schedule
from makertasks.records import table as records
from makertasks.records.states import Status

# What EventBridge Scheduler replaces by a slot's time, and in which form.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
PLACE = "<aws.scheduler.scheduled-time>"
FORM = "%Y-%m-%dT%H:%M:%SZ"
# How far back is looked, the shorter first: a schedule of every minute has ten thousand slots a week.
WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7))
MOST = 10
# What Scheduler, queue and function may take.
GRACE = timedelta(minutes=15)


class SeenSchedule(Schedule):
    """A schedule with the times of its latest slots that have no task, oldest first."""

    missed: list[str]


def seen(found: Iterable[Schedule]) -> list[SeenSchedule]:
    """Schedules with their missed slots; raises Unavailable."""
    return [{**schedule, "missed": missed(schedule, clock.now())} for schedule in found]


def missed(schedule: Schedule, present: datetime) -> list[str]:
    """The missed among the latest slots since the schedule was last changed, a week at most; raises Unavailable.

    A schedule that is off misses nothing.
    """
    task_id = schedule["task_id"]
    if (
        not schedule["enabled"]
        or task_id is None
        or PLACE not in task_id
        or not schedule["expression"].startswith("cron")
    ):
        return []
    keys = {wire.result_key(task_id.replace(PLACE, slot.strftime(FORM))): slot for slot in latest(schedule, present)}
    there = {record.id for record in records.get_states(keys)}
    return [clock.text(slot) for key, slot in keys.items() if key not in there]


def latest(schedule: Schedule, present: datetime) -> list[datetime]:
    """The latest slots that must have their task by now, oldest first."""
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
