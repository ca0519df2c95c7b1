"""Describes a Celery application as JSON that every function can read without Celery: its `application.json`.

    python -m makertasks.contrib.celery.describing shop.celery:app > functions/shop/application.json

Read by `makertasks.tasks.applications`; run it again when tasks, their limits or `beat_schedule` have changed. A test
of the application can compare the file with `described(app)`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from datetime import timedelta
from typing import Any

from celery.schedules import crontab, schedule  # type: ignore[import-not-found]  # the application's own

from makertasks.contrib.celery import checking

# Names of tasks that every application has and only Celery itself sends.
BUILT_IN = "celery."
# EventBridge's names of the weekdays; Celery counts from Sunday, 0.
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class NoExpression(ValueError):
    """EventBridge Scheduler has no expression for a schedule."""


def described(app: Any) -> dict[str, Any]:
    """An application's tasks, and the schedules that EventBridge can run."""
    app.loader.import_default_modules()
    app.finalize(auto=True)
    names = sorted(name for name in app.tasks if not name.startswith(BUILT_IN))
    return {
        "tasks": {name: _task(app.tasks[name]) for name in names},
        "schedules": [
            _schedule(app, name, entry)
            for name, entry in sorted((app.conf.beat_schedule or {}).items())
            if _reason_against(entry) is None
        ],
    }


def left_out(app: Any) -> list[str]:
    """A sentence for each entry of `beat_schedule` that is left out, or loses an option."""
    said = []
    for name, entry in sorted((app.conf.beat_schedule or {}).items()):
        if reason := _reason_against(entry):
            said.append(f"beat_schedule has {name}, which is left out: {reason}")
        elif options := sorted(entry.get("options") or {}):
            said.append(f"beat_schedule has {name} with options, which are not sent: {', '.join(options)}")
    if said or app.conf.beat_schedule:
        said += [] if app.conf.timezone or app.conf.enable_utc else ["timezone is not set: schedules run in UTC"]
    return said


def _reason_against(entry: dict[str, Any]) -> str | None:
    """Why EventBridge cannot run an entry of `beat_schedule`; None if it can."""
    try:
        expression(entry["schedule"])
    except NoExpression as error:
        return str(error)
    return None


def _task(task: Any) -> dict[str, Any]:
    found = {
        "purpose": (inspect.getdoc(task.run) or "").partition("\n")[0],
        "max_retries": task.max_retries,
        "rate_limit": task.rate_limit,
        "soft_time_limit": task.soft_time_limit,
        "time_limit": task.time_limit,
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _schedule(app: Any, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """One entry of `beat_schedule`; a crontab's hours are in the application's time zone."""
    return {
        "name": name,
        "task": entry["task"],
        "expression": expression(entry["schedule"]),
        "timezone": str(app.conf.timezone or "UTC"),
        "args": list(entry.get("args") or ()),
        "kwargs": dict(entry.get("kwargs") or {}),
    }


def expression(when: Any) -> str:
    """EventBridge Scheduler's expression for a Celery schedule; raises NoExpression.

    >>> expression(crontab(hour=3, minute=0)), expression(timedelta(minutes=5)), expression(3600)
    ('cron(0 3 * * ? *)', 'rate(5 minutes)', 'rate(1 hour)')
    >>> expression(crontab(minute="*/15", day_of_week="mon-fri"))
    'cron(0,15,30,45 * ? * MON,TUE,WED,THU,FRI *)'
    """
    if isinstance(when, crontab):
        return _cron(when)
    every = when.run_every if isinstance(when, schedule) else when
    seconds = every.total_seconds() if isinstance(every, timedelta) else every
    if not isinstance(seconds, int | float):
        raise NoExpression(f"{when!r} has no expression: EventBridge knows intervals and crontabs, no sunsets")
    if seconds <= 0 or seconds % 60:
        raise NoExpression(f"every {seconds:g} s cannot be kept: EventBridge Scheduler's intervals are whole minutes")
    return _rate(int(seconds // 60))


def _rate(minutes: int) -> str:
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes % size == 0:
            number = minutes // size
            return f"rate({number} {unit}{'s' if number > 1 else ''})"
    raise AssertionError(minutes)


def _cron(when: Any) -> str:
    days, weekdays = when.day_of_month, when.day_of_week
    every_day, every_weekday = len(days) == 31, len(weekdays) == 7  # noqa: PLR2004 - days of a month and of a week
    if not every_day and not every_weekday:
        raise NoExpression(
            f"{when}: EventBridge takes either days of the month or days of the week; make it two schedules"
        )
    of_month = "?" if not every_weekday else _listed(days, 31)
    of_week = "?" if every_weekday else ",".join(DAYS[day] for day in sorted(weekdays))
    return (
        f"cron({_listed(when.minute, 60)} {_listed(when.hour, 24)} {of_month} {_listed(when.month_of_year, 12)} "
        f"{of_week} *)"
    )


def _listed(numbers: set[int], all_of_them: int) -> str:
    return "*" if len(numbers) == all_of_them else ",".join(map(str, sorted(numbers)))


def find_application(path: str) -> Any:
    """The application named by `package.module:name`, or by `package.module` if it is called app."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name or "app")


def main(path: str) -> int:
    """Print an application's description, and to standard error its differences from a worker."""
    app = find_application(path)
    found = described(app)
    sys.stderr.writelines(f"{said}\n" for said in [*checking.differences(app), *left_out(app)])
    sys.stdout.write(f"{json.dumps(found, indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
