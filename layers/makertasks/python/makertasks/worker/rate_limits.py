"""Rate limits: how many attempts of a task may begin in a time, over all functions that run it.

Kept by a token bucket of one token, as in Celery: turns come at even intervals, and the time of the next free one
stands in the table. An attempt whose turn is to come takes it, notes it on the task's record and waits in the queue,
invisible, without using an attempt and without asking again.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from makertasks import clock
from makertasks.records import lifecycle, notes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Turns are given out so far ahead, in seconds. Who would have to wait longer comes back for one then: turns given out
# cannot be called back, and so a limit that operators raise helps the whole backlog within this time.
HORIZON_SECONDS = 3600.0
# A turn this close is waited for in place of a trip through the queue, whose delays are whole seconds.
CLOSE_SECONDS = 0.05


def forget_turns(name: str, rate: str) -> None:
    """Start a rate's turns anew, without those that were given out while it was set before. Raises Unavailable."""
    notes.delete(_key(name, rate))


def turn(record: TaskRecord, rate: str) -> datetime | None:
    """When the task that `record` is of may start: None for now, else a time to come. Raises Unavailable."""
    interval = clock.interval_of(rate)
    if interval is None:
        return None
    present = clock.now()
    stored = records.stored(record.task_id)
    if stored is not None and not _may_begin(stored):
        return None  # the claim will say so
    if stored is not None and stored.slot:
        slot = clock.parse(stored.slot)
        return slot if slot > present + timedelta(seconds=CLOSE_SECONDS) else None
    now = present.timestamp()
    at = notes.take_turn(_key(record.name, rate), now, interval, now + HORIZON_SECONDS)
    if at <= now + CLOSE_SECONDS:
        return None
    if at > now + HORIZON_SECONDS:
        # Nothing was taken: those who wait come back spread over a minute or so, not all at once.
        return present + timedelta(seconds=HORIZON_SECONDS - random.uniform(0, 60))  # noqa: S311 - spreads load
    slot = datetime.fromtimestamp(at, UTC)
    lifecycle.wait_for_slot(record, slot)
    return slot


def _may_begin(stored: TaskRecord) -> bool:
    """Whether an attempt may begin but for the rate limit."""
    if stored.status == Status.RETRY and stored.retry_at:
        return clock.parse(stored.retry_at) <= clock.now()
    return stored.status in {Status.PENDING, Status.RETRY}


def _key(name: str, rate: str) -> str:
    """Each rate has turns of its own, so that a changed one waits for none that a slower one gave out."""
    return f"rate#{name}#{rate}"
