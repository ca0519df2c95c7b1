"""Rate limits: how many attempts of a task may start per period, over all functions that run it.

Implemented as a token bucket of one token, as in Celery: start times are evenly spaced, and the table holds the next
free one. An attempt that has to wait reserves a start time, writes it to the task's record and stays invisible in the
queue, without using an attempt or another request.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from makertasks import clock
from makertasks.records import lifecycle, notes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Seconds ahead within which start times are reserved; tasks that would have to wait longer come back then. Reserved
# times cannot be withdrawn, so a raised limit applies to the whole backlog within this time.
HORIZON_SECONDS = 3600.0
# Wait this long in the function instead of in the queue, whose delays are whole seconds.
CLOSE_SECONDS = 0.05


def forget_turns(name: str, rate: str) -> None:
    """Restart a rate's start times, dropping those reserved when it was last set. Raises Unavailable."""
    notes.delete(_key(name, rate))


def turn(record: TaskRecord, rate: str) -> datetime | None:
    """Return when `record`'s task may start: None for now, otherwise a future time. Raises Unavailable."""
    interval = clock.interval_of(rate)
    if interval is None:
        return None
    present = clock.now()
    stored = records.stored(record.task_id)
    if stored is not None and not _may_begin(stored):
        return None  # the claim will be refused
    if stored is not None and stored.slot:
        slot = clock.parse(stored.slot)
        return slot if slot > present + timedelta(seconds=CLOSE_SECONDS) else None
    now = present.timestamp()
    at = notes.take_turn(_key(record.name, rate), now, interval, now + HORIZON_SECONDS)
    if at <= now + CLOSE_SECONDS:
        return None
    if at > now + HORIZON_SECONDS:
        # Nothing was reserved: such tasks come back spread over about a minute, not all at once.
        return present + timedelta(seconds=HORIZON_SECONDS - random.uniform(0, 60))  # noqa: S311 - spreads load
    slot = datetime.fromtimestamp(at, UTC)
    lifecycle.wait_for_slot(record, slot)
    return slot


def _may_begin(stored: TaskRecord) -> bool:
    """Return whether an attempt may start apart from the rate limit."""
    if stored.status == Status.RETRY and stored.retry_at:
        return clock.parse(stored.retry_at) <= clock.now()
    return stored.status in {Status.PENDING, Status.RETRY}


def _key(name: str, rate: str) -> str:
    """Each rate has its own start times, so that a changed rate does not wait for those of a slower one."""
    return f"rate#{name}#{rate}"
