"""A queue's past: how long its tasks waited for their first attempt, and how many messages did."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypedDict

from makertasks.monitoring import history
from makertasks.monitoring.counters import statistics
from makertasks.monitoring.counters.statistics import Wait
from makertasks.monitoring.queues import tasks_of


class QueuePeriod(TypedDict):
    """One hour (`2026-11-22T09`) or day. `wait` is null if no task started; `most_waiting` is what the sweep saw."""

    period: str
    wait: Wait | None
    most_waiting: int


QueueHistory = TypedDict(
    "QueueHistory",
    {"queue": str, "from": str, "to": str, "step": Literal["hour", "day"], "periods": list[QueuePeriod]},
)


def of(queue: str, since: datetime, until: datetime) -> QueueHistory:
    """Return a queue's waiting times and lengths between two times, without periods in which nothing happened.

    Raises NotFound, InvalidRequest for a range that is too long or negative, and Unavailable.
    """
    names = [task.name for task in tasks_of(queue)]
    counted = statistics.read(since, until)
    digits = len("2026-11-22T09" if counted.step == "hour" else "2026-11-22")
    waits = statistics.waits_by_period(counted, digits, names)
    lengths: dict[str, int] = {}
    for hour, waiting in history.lengths(queue, since, until):
        period = hour[:digits]
        lengths[period] = max(waiting, lengths.get(period, 0))
    return {
        "queue": queue,
        "from": counted.oldest,
        "to": counted.newest,
        "step": counted.step,
        "periods": [
            {"period": period, "wait": waits.get(period), "most_waiting": lengths.get(period, 0)}
            for period in sorted({*waits, *lengths})
        ],
    }
