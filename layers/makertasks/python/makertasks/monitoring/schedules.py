"""The stack's schedules in EventBridge Scheduler: its own group, without the delays of single tasks.

All functions raise Unavailable if AWS fails.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from makertasks import clock, settings, wire
from makertasks.aws import schedules
from makertasks.errors import InvalidRequest, NotFound, did_you_mean
from makertasks.records import notes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.submission import producer
from makertasks.submission.producer import Submission

# "Run now" this soon after another one means the same run: a double click, or a lost response.
AGAIN = timedelta(seconds=15)
NAMESPACE = uuid.UUID("7d1f3c52-9a0e-4a7b-8c31-5e6f2b9d4a10")  # namespace of these runs' ids

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}


class Schedule(TypedDict):
    """A schedule and its task; `task_id` has a placeholder for the scheduled time."""

    name: str
    description: str
    expression: str
    timezone: str
    enabled: bool
    next_run: str | None
    changed: str | None
    task: str | None
    task_id: str | None
    args: list[Any]
    kwargs: dict[str, Any]


def list_schedules() -> list[Schedule]:
    """Every schedule, by name."""
    return [_schedule(_read(name)) for name in schedules.names(settings.stack())]


def get(name: str) -> Schedule:
    """One schedule; raises NotFound."""
    return _schedule(_read(name))


def set_enabled(name: str, enabled: bool) -> Schedule:
    """Enable or disable a schedule; raises NotFound, or InvalidRequest for one of the system, which sends no task."""
    found = _read(name)
    if _message_of(found.get("Target", {})) is None:
        raise InvalidRequest("schedule", f"{name} belongs to the system and cannot be disabled")
    found["State"] = "ENABLED" if enabled else "DISABLED"
    schedules.update(found)
    return get(name)


def run_now(name: str, requested_by: str) -> str:
    """Submit a schedule's task at once, in addition to its scheduled runs; returns the task's id.

    Until that task has finished, and within `AGAIN`, further calls return the same task, even concurrent ones: each
    run's id is derived from the previous one. Raises NotFound, or InvalidRequest for one that sends no task.
    """
    schedule = get(name)
    if schedule["task"] is None:
        raise InvalidRequest("schedule", f"{name} belongs to the system and sends no task")
    key = f"run-now#{name}"
    last = str((notes.get(key) or {}).get("task_id", ""))
    if last and _is_recent(records.stored(last)):
        return last
    task_id = _id_after(last, name)
    while (record := records.stored(task_id)) is not None and not _is_recent(record):
        task_id = _id_after(task_id, name)  # the call that submitted it stopped before it was recorded
    producer.submit(
        Submission(
            schedule["task"], schedule["kwargs"], args=schedule["args"], task_id=task_id, requested_by=requested_by
        )
    )
    notes.put(key, {"task_id": task_id})
    return task_id


def _is_recent(record: TaskRecord | None) -> bool:
    return record is not None and (not record.is_final or clock.parse(record.created) > clock.now() - AGAIN)


def _id_after(task_id: str, name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{name}/{task_id}"))


def next_run(expression: str, timezone: str, present: datetime, created: datetime | None = None) -> datetime | None:
    """Return the next run of a Scheduler expression; None if there is none or it is unknown.

    >>> str(next_run("cron(0 3 * * ? *)", "Europe/Berlin", datetime(2026, 11, 22, 12, tzinfo=UTC)))
    '2026-11-23 02:00:00+00:00'
    >>> str(next_run("rate(5 minutes)", "UTC", datetime(2026, 11, 22, 12, 1, tzinfo=UTC)))
    '2026-11-22 12:06:00+00:00'
    """
    kind, _, rest = expression.partition("(")
    value = rest.removesuffix(")").strip()
    zone = ZoneInfo(timezone or "UTC")
    if kind == "at":
        moment = datetime.fromisoformat(value).replace(tzinfo=zone).astimezone(UTC)
        return moment if moment > present else None
    if kind == "rate":
        number, unit = value.split()
        step = timedelta(seconds=int(number) * _UNITS[unit.rstrip("s")])
        since = created or present
        return since + step * ((present - since) // step + 1)
    return _next_of_cron(value, zone, present) if kind == "cron" else None


def _next_of_cron(value: str, zone: ZoneInfo, present: datetime) -> datetime | None:
    """Return the next time of AWS's six fields: cronsim has no years, and counts the days of the week from 0."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - only this needs it; functions other than the API have it not

    minute, hour, day, month, weekday, year = value.split()
    weekday = "6" if weekday == "L" else re.sub(r"(?<![#/0-9])[1-7]", lambda found: str(int(found[0]) - 1), weekday)
    try:
        times: Iterator[datetime] = CronSim(
            f"{minute} {hour} {day.replace('?', '*')} {month} {weekday.replace('?', '*')}",
            present.astimezone(zone).replace(tzinfo=None),
        )
        for wall in times:
            moment = wall.replace(tzinfo=zone)
            due = moment.astimezone(UTC)
            # As in EventBridge Scheduler: of a repeated hour only the first one counts, and a skipped hour has no run.
            if due <= present or due.astimezone(zone).replace(tzinfo=None) != wall:
                continue
            if year == "*" or moment.year in _years(year):
                return due
            if moment.year > max(_years(year)):
                return None
    except CronSimError:
        return None
    return None


def _years(text: str) -> set[int]:
    """Return the years of `2026`, `2026,2028` and `2026-2028`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def _read(name: str) -> dict[str, Any]:
    try:
        return schedules.get(settings.stack(), name)
    except NotFound as error:
        known = schedules.names(settings.stack())
        raise NotFound(f"there is no schedule {name!r}{did_you_mean(name, known)}") from error


def _schedule(found: dict[str, Any]) -> Schedule:
    timezone = found.get("ScheduleExpressionTimezone") or "UTC"
    enabled = found.get("State", "ENABLED") == "ENABLED"
    due = next_run(found["ScheduleExpression"], timezone, clock.now(), found.get("CreationDate")) if enabled else None
    message = _message_of(found.get("Target", {}))
    changed = found.get("LastModificationDate") or found.get("CreationDate")
    return {
        "name": found["Name"],
        "description": found.get("Description", ""),
        "expression": found["ScheduleExpression"],
        "timezone": timezone,
        "enabled": enabled,
        "next_run": clock.text(due) if due else None,
        "changed": clock.text(changed) if changed else None,
        "task": message.name if message else None,
        "task_id": message.task_id if message else None,
        "args": list(message.args) if message else [],
        "kwargs": dict(message.kwargs) if message else {},
    }


def _message_of(target: dict[str, Any]) -> wire.Message | None:
    """Return a target's message; None if it is not a task's."""
    queue = str(target.get("Arn", "")).rpartition(":")[2]
    try:
        return wire.decode(target.get("Input", ""), message_id="schedule", default_name=queue)
    except wire.Malformed:
        return None
