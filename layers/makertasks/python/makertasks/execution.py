"""One delivery of one task: check, claim, run, finish. No queue and no Lambda event is known here.

- Arguments that do not fit: FAILURE at once. Expired: REVOKED. Not yet its time: Later(seconds).
- A claim is refused: nothing more to do where the task has ended; Later(seconds) where another worker holds it.
- The task runs: SUCCESS, FAILURE, RETRY with Later(seconds), or Again(state) where it goes on in a next invocation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from makertasks import aftermath, clock, context, jsonvalues, lifecycle, limits, records, retries, wire
from makertasks.errors import InvalidArguments, InvalidRequest, MakertasksError, PermanentError
from makertasks.lifecycle import Claim
from makertasks.records import TaskRecord
from makertasks.states import Status
from makertasks.tasks import MARGIN_SECONDS, Task

logger = Logger(child=True)

# A claim that another worker holds is looked at again this long after its lease has ended, in seconds.
AFTER_LEASE_SECONDS = 1.0
# A task's progress is written at most this often, in seconds: often enough for an eye, rarely enough for the bill.
PROGRESS_SECONDS = 2.0


class Later(Exception):
    """The message must come back after `seconds`."""

    def __init__(self, seconds: float, reason: str) -> None:
        """`reason` goes to the log."""
        super().__init__(reason)
        self.seconds = max(seconds, 0.0)


class Again(Exception):
    """The task stopped where its time ran short; it goes on with `state` in a next invocation."""

    def __init__(self, claimed: Claim, state: dict[str, Any]) -> None:
        """`claimed` is the attempt to give back."""
        super().__init__("goes on in a next invocation")
        self.claimed = claimed
        self.state = state


class WorkerLost(MakertasksError):
    """Every attempt ended without a word: the function crashed, timed out or ran out of memory."""


class Expired(MakertasksError):
    """The task's time to begin had passed; Celery's TaskRevokedError."""


class Terminated(BaseException):
    """The running task was asked to end; a BaseException, so that no task swallows it."""


class LostClaim(BaseException):
    """Another worker has taken the attempt over; whatever this one still does does not count."""


@dataclass(frozen=True)
class Delivery:
    """A message as it reached a worker. `function_ends` is in epoch seconds; `sent` is when its queue got it."""

    message: wire.Message
    worker: str
    function_ends: float
    sent: datetime
    state: dict[str, Any] | None = None
    requested_by: str = ""


def execute(task: Task, delivery: Delivery) -> TaskRecord:
    """Bring one task further and answer its record; raises Later, Again or Unavailable."""
    record = _bring_further(task, delivery)
    if record.is_final:
        aftermath.follow(delivery.message, record)
    return record


def _bring_further(task: Task, delivery: Delivery) -> TaskRecord:
    try:
        record = _new_record(task, delivery)
    except InvalidRequest as error:
        return _close_unfit(task, delivery, InvalidArguments(str(error)))
    except InvalidArguments as error:
        return _close_unfit(task, delivery, error)
    expires = delivery.message.expires
    if expires and expires <= clock.now():
        lifecycle.close(record, Status.REVOKED, Expired(f"expired at {clock.text(expires)} before it began"))
        return records.get(record.task_id)
    claimed = lifecycle.claim(record, delivery.worker, delivery.function_ends)
    if isinstance(claimed, TaskRecord):
        return _stand_aside(claimed)
    logger.append_keys(attempt=claimed.attempt)
    if claimed.attempt > _attempts_allowed(task, claimed.record):
        lost = WorkerLost(
            f"{claimed.lost_worker or 'the worker'} stopped without a word in attempt {claimed.attempt - 1}, the last "
            "one allowed: it crashed, was out of memory, or Lambda ended it at its time-out"
        )
        lifecycle.fail(claimed, lost)
        return claimed.record
    return _run(task, delivery, claimed)


def _new_record(task: Task, delivery: Delivery) -> TaskRecord:
    message = delivery.message
    if message.name != task.name:
        raise InvalidRequest("task", f"the queue {task.short_name} runs {task.name} only, not {message.name!r}")
    kwargs = task.bind(message.args, message.kwargs)
    return records.new(
        replace(message, args=[], kwargs=kwargs),
        queue=task.short_name,
        item_id=next((kwargs[name] for name in task.item_arguments if isinstance(kwargs.get(name), str)), None),
        created=delivery.sent,
        requested_by=delivery.requested_by,
    )


def _close_unfit(task: Task, delivery: Delivery, error: InvalidArguments) -> TaskRecord:
    """FAILURE at once for a message whose arguments cannot be right next time either."""
    record = records.new(delivery.message, queue=task.short_name, created=delivery.sent)
    lifecycle.close(record, Status.FAILURE, error)
    logger.warning("task refused", reason=str(error))
    return records.get(record.task_id)


def _stand_aside(held: TaskRecord) -> TaskRecord:
    """What a refused claim means: nothing more to do, or to come back later."""
    if held.is_final:
        logger.info("message of an ended task dropped", status=held.status)
        return held
    present = clock.now()
    if held.status == Status.RETRY and held.retry_at:
        raise Later((clock.parse(held.retry_at) - present).total_seconds(), "the next attempt's time has not come")
    lease_left = float(held.lease or 0) - present.timestamp()
    raise Later(lease_left + AFTER_LEASE_SECONDS, f"{held.worker} holds the task")


def _attempts_allowed(task: Task, record: TaskRecord) -> int:
    return 1 + int(task.max_retries if record.max_retries is None else record.max_retries)


def _run(task: Task, delivery: Delivery, claimed: Claim) -> TaskRecord:
    logger.info("task started", worker=delivery.worker)
    try:
        result = jsonvalues.plain(_call(task, delivery, claimed))
        claimed.record.children = aftermath.children(delivery.message, result)
    except context.Continue as pause:
        raise Again(claimed, pause.state) from pause
    except LostClaim:
        logger.warning("attempt lost to another worker")
        return claimed.record
    except Terminated as error:
        lifecycle.revoke_running(claimed, error)
    except limits.TimeLimitExceeded as error:
        lifecycle.fail(claimed, error)
    except Exception as error:  # noqa: BLE001 - whatever a task raises becomes its record's reason
        _fail_or_retry(task, claimed, error)
    else:
        if not lifecycle.succeed(claimed, result if aftermath.keeps_result(delivery.message) else None):
            logger.warning("result dropped: the attempt was taken over or called off")
    logger.info("task ended", status=claimed.record.status)
    return claimed.record


def _call(task: Task, delivery: Delivery, claimed: Claim) -> Any:
    """The task itself, within its limits and with its context."""
    message = delivery.message
    left = delivery.function_ends - time.time() - MARGIN_SECONDS
    hard = min(message.time_limit or task.time_limit or left, left)
    reason = "the task's time limit" if hard < left else "what its function had left of its own time-out"
    running = context.Context(
        task_id=message.task_id,
        attempt=claimed.attempt,
        deadline=time.monotonic() + hard,
        state=delivery.state or {},
        report=_reporter(claimed),
    )
    with context.running(running), limits.time_limits(message.soft_time_limit or task.soft_time_limit, hard, reason):
        return task.call(claimed.record.kwargs)


def _reporter(claimed: Claim) -> Any:
    """What `checkpoint()` does: write the progress now and then, and end the task where it is asked to."""
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


def _fail_or_retry(task: Task, claimed: Claim, error: Exception) -> None:
    """RETRY and Later for what may pass while attempts are left, FAILURE otherwise."""
    logger.warning("task raised", error_type=type(error).__name__, error=str(error))
    if isinstance(error, PermanentError) or not retries.is_passing(error):
        lifecycle.fail(claimed, error)
        return
    if claimed.attempt >= _attempts_allowed(task, claimed.record):
        lifecycle.fail(claimed, error)
        return
    retry_after = getattr(error, "retry_after", None)
    wait = retries.wait_before(claimed.attempt, task.retry_base, task.retry_cap, retry_after)
    if lifecycle.retry(claimed, error, clock.now() + timedelta(seconds=wait)):
        raise Later(wait, "retry") from error
