"""The sweep: finds stuck tasks, and resends their message or ends them.

A function may die while it processes a message, a message may be lost, a schedule may fail to send: the record then
stays STARTED, PENDING or RETRY forever, or for as long as the message is invisible. The sweep reads only unfinished
tasks (the status index's ACTIVE partitions, oldest first, up to PER_PARTITION a run; the next run continues after
them); its cost depends on their number and never on the table's size.

Resending a message is harmless: only one attempt's claim succeeds. A task in a paused queue, or in one with a backlog,
is not lost, and is left alone for long.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from makertasks import clock, settings, wire
from makertasks.aws import queues
from makertasks.aws.dynamodb import answering
from makertasks.errors import MakertasksError
from makertasks.records import lifecycle, notes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import delays
from makertasks.worker import follow_ups
from makertasks.worker.attempt import Terminated, WorkerLostError

logger = Logger(child=True)

# Maximum number of tasks per partition and run: with four partitions and a run every five minutes, a million a day.
EXAMINED = 1_000
PAGE = 100  # one BatchGetItem
# Each task takes a write and a message, most of which is waiting for their answers.
THREADS = 8
# Seconds after a lease's end at which no write of its worker can still be in progress.
LEASE_GRACE_SECONDS = 15.0
# Number of times that a lost message is resent before the task is given up; the wait doubles each time.
REQUEUES = 5
# In a queue with a backlog a task counts as waiting. Its message is resent only after this time, then after twice as
# long, and finally every four days; a message is kept for fourteen.
BACKLOG_PATIENCE = timedelta(hours=6)
LONGEST_PATIENCE = timedelta(days=4)


class MessageLost(MakertasksError):
    """The task's message was lost repeatedly; it never started."""


class Verdict(Enum):
    """The action for an unfinished task."""

    LEAVE = auto()
    REQUEUE = auto()
    GIVE_UP = auto()


@dataclass
class Swept:
    """The outcome of one run."""

    examined: int = 0
    requeued: int = 0
    given_up: int = 0
    complete: bool = True  # whether every active task was checked; otherwise the next run continues
    waiting: set[str] = field(default_factory=set)  # queues of tasks that wait and are due

    def numbers(self) -> dict[str, Any]:
        """Return what is logged and returned."""
        return {name: value for name, value in vars(self).items() if name != "waiting"}


def judge(record: TaskRecord, present: datetime, patience: timedelta, *, backlog: bool) -> Verdict:
    """Return the action for one task; `backlog` says that its queue has waiting messages."""
    due = due_of(record)
    requeues = int(record.requeues or 0)
    waited = present - max(due, clock.parse(record.requeued) if record.requeued else due)
    if record.status == Status.STARTED:
        first_wait, backlog = timedelta(seconds=LEASE_GRACE_SECONDS), False
    else:
        first_wait = BACKLOG_PATIENCE if backlog else patience
    # A lost worker's task is resent at once, and after that at the same intervals as the others.
    again = patience if record.status == Status.STARTED else first_wait
    if waited < min(first_wait if not requeues else again * 2.0**requeues, LONGEST_PATIENCE):
        return Verdict.LEAVE
    return Verdict.GIVE_UP if requeues >= REQUEUES and not backlog else Verdict.REQUEUE


def _waits(record: TaskRecord) -> bool:
    return record.status in {Status.PENDING, Status.RETRY} and due_of(record) <= clock.now()


def due_of(record: TaskRecord) -> datetime:
    """Return when an unfinished task was due to change its status."""
    if record.status == Status.STARTED:
        return datetime.fromtimestamp(float(record.lease or 0), clock.now().tzinfo)
    begins = record.retry_at if record.status == Status.RETRY else record.eta
    return max(clock.parse(moment) for moment in (record.created, begins, record.slot) if moment)


def sweep(seconds: float) -> Swept:
    """Recover stuck tasks for at most `seconds`; raises Unavailable."""
    ends, swept = time.monotonic() + seconds, Swept()
    backlogs: dict[str, bool] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        partitions = records.active_keys()
        for number, partition in enumerate(partitions):
            present = time.monotonic()
            fair_share = present + (ends - present) / (len(partitions) - number)
            for page in _active(partition, fair_share, swept):
                done = Counter(pool.map(partial(_look_after, backlogs=backlogs), page))
                swept.waiting |= {str(record.queue) for record in page if _waits(record)}
                swept.examined += len(page)
                swept.requeued += done[Verdict.REQUEUE]
                swept.given_up += done[Verdict.GIVE_UP]
    logger.info("swept", **swept.numbers())
    return swept


def _active(partition: str, ends: float, swept: Swept) -> Iterator[list[TaskRecord]]:
    """Yield a run's tasks of one partition, oldest first, continuing the last run; notes where this one stops."""
    key = f"sweep#{partition.partition('#')[2]}"
    after = (notes.get(key) or {}).get("after")
    examined = 0
    while examined < EXAMINED and time.monotonic() < ends:
        keys, after = _page(partition, after)
        yield list(records.get_many(keys).values())
        examined += len(keys)
        if after is None:
            break
    notes.put(key, {"after": after})
    swept.complete = swept.complete and after is None


def _page(partition: str, after: dict[str, Any] | None) -> tuple[list[str], dict[str, Any] | None]:
    """Return the keys of one page, and the next page's start."""
    records.connect()
    with answering("the tasks table did not respond"):
        page = TaskRecord.by_status.query(
            partition, scan_index_forward=True, limit=PAGE, page_size=PAGE, last_evaluated_key=after
        )
        keys = [record.id for record in page]
    return keys, page.last_evaluated_key


def _look_after(record: TaskRecord, backlogs: dict[str, bool]) -> Verdict:
    """Carry out one task's action and return it; if a service fails, the next run does it."""
    present, patience = clock.now(), timedelta(seconds=settings.sweep_patience())
    if record.is_final or judge(record, present, patience, backlog=False) is Verdict.LEAVE:
        return Verdict.LEAVE
    try:
        queue = str(record.queue)
        if queue not in backlogs:
            backlogs[queue] = _has_backlog(queue)
        verdict = judge(record, present, patience, backlog=backlogs[queue])
        if verdict is Verdict.GIVE_UP and not _is_empty(queue):
            verdict = Verdict.REQUEUE  # a throttled Lambda receives messages and returns them: none is lost then
        if verdict is Verdict.REQUEUE and _requeue(record):
            return verdict
        if verdict is Verdict.GIVE_UP and _give_up(record):
            return verdict
    except (MakertasksError, wire.Malformed):
        logger.exception("sweep failed for task", task_id=record.task_id)
    return Verdict.LEAVE


def _has_backlog(queue: str) -> bool:
    try:
        return queues.has_backlog(queue)
    except queues.QueueMissing:
        return False  # nothing can be sent either, so its tasks are finally given up


def _is_empty(queue: str) -> bool:
    try:
        return queues.is_empty(queue)
    except queues.QueueMissing:
        return True


def _requeue(record: TaskRecord) -> bool:
    """Send a message made from the record; this is recorded first, so that not every run sends it."""
    if record.status == Status.STARTED and record.terminate:
        return _end(record, Status.REVOKED, Terminated(f"terminated by {record.terminate}"))
    if not lifecycle.note_requeue(record):
        return False
    queue = str(record.queue)
    queues.send(queue, delays.body_of(queue, records.message_of(record)))
    logger.warning("message sent again", task_id=record.task_id, status=record.status, requeues=int(record.requeues))
    return True


def _give_up(record: TaskRecord) -> bool:
    """Record FAILURE with the reason for a task whose messages are lost repeatedly."""
    if record.status == Status.STARTED:
        error: MakertasksError = WorkerLostError(
            f"{record.worker} was lost (crash, time-out or out of memory) in attempt {int(record.attempt)}; no other "
            f"worker took over, although its message was sent {REQUEUES} more times"
        )
    else:
        error = MessageLost(f"its message was lost, and so were {REQUEUES} replacements")
    return _end(record, Status.FAILURE, error)


def _end(record: TaskRecord, target: Status, error: BaseException) -> bool:
    ended_now = lifecycle.close(record, target, error)
    ended = records.get(record.task_id)
    if ended.is_final:  # possibly by this very write, whose response was lost
        follow_ups.follow(records.message_of(ended), ended)
    if not ended_now:
        return False
    logger.warning("task ended by the sweep", task_id=ended.task_id, status=ended.status, reason=str(error))
    return True
