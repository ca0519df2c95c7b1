"""One attempt of a task: run it within its limits, and record the outcome."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as dt_time
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from aws_lambda_powertools import Logger

from makertasks import clock, context, masking, wire
from makertasks.errors import MakertasksError, PermanentError, TemporaryError
from makertasks.inventory import batches
from makertasks.inventory import table as inventory
from makertasks.records import failures, lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.lifecycle import Claim
from makertasks.records.model import TaskRecord
from makertasks.submission import generations
from makertasks.tasks import MARGIN_SECONDS, Task
from makertasks.worker import follow_ups, retries, task_limits, time_limits

logger = Logger(child=True)

# Minimum seconds between two writes of a task's progress, each of which costs a write unit.
PROGRESS_SECONDS = 2.0
# Seconds after which a task continues in another invocation.
CONTINUE_SECONDS = 1.0
# Maximum size of the state with which a task continues, in characters of JSON.
STATE_CHARACTERS = 100_000

# Types that Celery's JSON encodes; a task's result keeps them.
TYPED = (bytes, date, datetime, Decimal, dt_time, UUID)


class Requeue(Exception):
    """The message must come back after `seconds`."""

    def __init__(self, seconds: float, reason: str) -> None:
        """`reason` goes to the log."""
        super().__init__(reason)
        self.seconds = max(seconds, 0.0)


class WorkerLostError(MakertasksError):
    """No attempt reported its end: the function crashed, timed out or ran out of memory. The name is Celery's."""


class Terminated(BaseException):
    """The running task is to stop; a BaseException, so that no task swallows it."""


class LostClaim(BaseException):
    """Another worker has taken over the attempt; this one's outcome no longer counts."""


@dataclass(frozen=True)
class Invocation:
    """When an invocation started, and when Lambda ends it, in epoch seconds."""

    starts: float
    ends: float

    @property
    def left(self) -> float:
        """Return the seconds that a task may still take, so that its outcome can be recorded."""
        return self.ends - MARGIN_SECONDS - time.time()

    @property
    def has_time(self) -> bool:
        """Return whether at least half of them are left: earlier messages of the batch may have used them up."""
        return self.left >= (self.ends - MARGIN_SECONDS - self.starts) / 2


@dataclass(frozen=True)
class Delivery:
    """A message as a worker received it; `sent` is when it was sent to its queue."""

    message: wire.Message
    worker: str
    invocation: Invocation
    sent: datetime
    requested_by: str = ""
    is_first: bool = True  # whether no other message used any of the invocation's time


def attempts_allowed(task: Task, record: TaskRecord) -> int:
    """Return a task's maximum number of attempts."""
    return 1 + int(task.max_retries if record.max_retries is None else record.max_retries)


def run(task: Task, delivery: Delivery, claimed: Claim, now: task_limits.Limits) -> TaskRecord | None:
    """Run a claimed attempt and return the final record, None if another worker took over the attempt.

    Raises Requeue if the task is retried or continues in another invocation, and Unavailable.
    """
    if claimed.attempt > attempts_allowed(task, claimed.record):
        return claimed.record if lifecycle.fail(claimed, _lost(claimed)) else None
    if not delivery.invocation.has_time and lifecycle.release(claimed, _state_of(claimed), clock.now()):
        raise Requeue(0, "claiming the task used up the function's time")
    logger.info("task started", worker=delivery.worker)
    try:
        result = msgspec.to_builtins(_call(task, delivery, claimed, now), str_keys=True, builtin_types=TYPED)
        claimed.record.children = follow_ups.children(delivery.message, result)
        kept = result if follow_ups.keeps_result(delivery.message) else None
        pointer = payloads.store_result(claimed.record, kept)
    except context.Continue as pause:
        mine = _go_on(claimed, pause)
    except LostClaim:
        mine = False
    except Terminated as error:
        mine = lifecycle.revoke_running(claimed, error)
    except time_limits.TimeLimitExceeded as error:
        mine = lifecycle.fail(claimed, error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a task raises becomes its record's reason
        mine = _fail_or_retry(task, claimed, error)
    else:
        mine = lifecycle.succeed(claimed, payloads.shown(pointer) if pointer else kept, pointer)
    if not mine:
        logger.warning("attempt abandoned: another worker took over")
        return None
    return claimed.record


def _lost(claimed: Claim) -> WorkerLostError:
    return WorkerLostError(
        f"{claimed.lost_worker or 'the worker'} was lost (crash, time-out or out of memory) in attempt "
        f"{claimed.attempt - 1}, the last one allowed"
    )


def _call(task: Task, delivery: Delivery, claimed: Claim, now: task_limits.Limits) -> Any:
    """Run the task within its limits and with its context."""
    message = delivery.message
    arguments = _arguments(task, delivery, claimed.record)
    left = delivery.invocation.left
    hard = min(message.time_limit or now.time_limit or left, left)
    own = hard < left
    reason = "the task's time limit" if own else "the remainder of the function's time-out"
    running = context.Context(
        task_id=message.task_id,
        attempt=claimed.attempt,
        requested=claimed.record.created or "",
        deadline=time.monotonic() + hard,
        state=_state_of(claimed),
        generation=generations.of(message),
        report=_reporter(claimed),
        keep=_keeper(claimed),
    )
    soft = message.soft_time_limit or now.soft_time_limit
    try:
        with context.running(running), time_limits.time_limits(soft, hard, reason):
            return task.call(arguments)
    except time_limits.TimeLimitExceeded as error:
        if own or delivery.is_first:
            raise
        raise TemporaryError(f"{error}, part of which earlier messages of the batch had used") from error
    finally:
        _name_item(claimed.record)


def _name_item(record: TaskRecord) -> None:
    """Let the record keep its item's name as the task read it, where the submission did not: written at its end."""
    if record.item_id and not record.item_name and (name := batches.name_of(inventory.owner_of(record.item_id))):
        record.item_name = records.item_name(name)


def _arguments(task: Task, delivery: Delivery, record: TaskRecord) -> dict[str, Any]:
    """Return the task's arguments by name: as recorded or, if the record masks some, as sent."""
    kept = payloads.kwargs_of(record)
    if not masking.hides(kept):
        return kept
    sent = task.bind(delivery.message.args, delivery.message.kwargs)
    if masking.hides(sent) or masking.masked(sent, task.secret_arguments) != kept:
        raise PermanentError(
            "kwargs: the task has secret arguments, which are not stored; submit the task again with all arguments"
        )
    return sent


def _state_of(claimed: Claim) -> dict[str, Any]:
    return dict(json.loads(claimed.record.state)) if claimed.record.state else {}


def _reporter(claimed: Claim) -> Callable[[int, int], None]:
    """Implement `checkpoint()`: write the progress at intervals, and stop the task if that was requested."""
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        present = time.monotonic()
        if present - last < PROGRESS_SECONDS and done != total:
            return
        last = present
        if not lifecycle.report_progress(claimed, done, total):
            raise LostClaim
        if claimed.record.terminate:
            raise Terminated(f"terminated by {claimed.record.terminate}")

    return report


def _keeper(claimed: Claim) -> Callable[[dict[str, Any]], None]:
    """Implement `save()`: write the state for the next attempt."""

    def keep(state: dict[str, Any]) -> None:
        _check_state(state)
        if not lifecycle.keep_state(claimed, state):
            raise LostClaim

    return keep


def _check_state(state: dict[str, Any]) -> None:
    size = len(json.dumps(state))
    if size > STATE_CHARACTERS:
        raise PermanentError(f"the task's state has {size:,} characters; at most {STATE_CHARACTERS:,} are kept")


def _go_on(claimed: Claim, pause: context.Continue) -> bool:
    """Give the attempt back and raise Requeue, or end the task if it was revoked meanwhile."""
    try:
        _check_state(pause.state)
    except PermanentError as error:
        return lifecycle.fail(claimed, error)
    at = clock.now() + timedelta(seconds=CONTINUE_SECONDS)
    if lifecycle.release(claimed, pause.state, at):
        raise Requeue(CONTINUE_SECONDS, "it continues in another invocation")
    return _end_terminated(claimed)


def _fail_or_retry(task: Task, claimed: Claim, error: BaseException) -> bool:
    """Record RETRY and raise Requeue for a temporary error while attempts are left; record FAILURE otherwise."""
    logger.warning("task raised", error_type=type(error).__name__, error=failures.message(error))
    permanent = isinstance(error, PermanentError) or not retries.is_passing(error)
    if permanent or claimed.attempt >= attempts_allowed(task, claimed.record):
        return lifecycle.fail(claimed, error)
    retry_after = getattr(error, "retry_after", None)
    wait = retries.wait_before(claimed.attempt, task.retry_base, task.retry_cap, retry_after)
    if lifecycle.retry(claimed, error, clock.now() + timedelta(seconds=wait)):
        raise Requeue(wait, "retry") from error
    return _end_terminated(claimed)


def _end_terminated(claimed: Claim) -> bool:
    """Record REVOKED for a task that would continue although its termination was requested."""
    asked = records.get(claimed.record.task_id).terminate
    return lifecycle.revoke_running(claimed, Terminated(f"terminated by {asked}"))
