"""A queue's charts: the waiting times of its tasks, and its number of waiting messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from api.pages import charts, periods
from api.pages.periods import Range
from makertasks.monitoring import history
from makertasks.monitoring.counters import statistics
from makertasks.monitoring.queues import Queue


def shown(queue: Queue, wanted: Range, now: datetime) -> dict[str, Any]:
    """Return both charts, with marks for deployments; raises Unavailable."""
    since = now - wanted.span
    filters = tasks_of(queue)
    marks = periods.marks(wanted, now, history.deployments(since, now))
    waits = statistics.waits_by_period(statistics.read(since, now), wanted.digits, queue["tasks"])
    times = [
        (period, {"average": _ms(each["mean"]), "longest": _ms(each["longest"])}) for period, each in waits.items()
    ]
    longest: dict[str, int] = {}
    for hour, number in history.lengths(queue["name"], since, now):
        period = hour[: wanted.digits]
        longest[period] = max(number, longest.get(period, 0))
    lengths = [(period, {"waiting": number}) for period, number in longest.items()]
    waiting = charts.lines(periods.points(wanted, now, times, **filters), ["average", "longest"])
    length = charts.stacked(periods.points(wanted, now, lengths, **filters), ["waiting"])
    return {
        "waiting_times": replace(waiting, marks=marks),
        "lengths": replace(length, marks=marks),
        "marks": marks,
        "range": wanted,
        "ranges": periods.RANGES.values(),
    }


def tasks_of(queue: Queue) -> Mapping[str, str]:
    """Return the filter of a queue's tasks in the task list."""
    return {"name": queue["task"]} if len(queue["tasks"]) == 1 else {"q": f"queue:{queue['name']}"}


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
