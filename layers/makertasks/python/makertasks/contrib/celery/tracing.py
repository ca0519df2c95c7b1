"""One attempt of a Celery task: runs it by Celery's tracer within its limits, and updates its record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from celery import states  # type: ignore[import-not-found]  # the application's own
from celery.app.task import Context  # type: ignore[import-not-found]
from celery.app.trace import trace_task  # type: ignore[import-not-found]
from celery.exceptions import Reject, SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError  # type: ignore[import-not-found]

from makertasks import clock, wire
from makertasks.aws import queues
from makertasks.contrib.celery.backend import Attempt
from makertasks.errors import MakertasksError
from makertasks.records import lifecycle
from makertasks.records.lifecycle import Claim
from makertasks.worker import task_limits, time_limits
from makertasks.worker.attempt import Delivery, Requeue

# The message of the Ignore that `self.replace()` raises; the replacement has the same id.
REPLACED = "Replaced by new task"
# How long the sweep waits for a task's replacement before it treats it as lost.
REPLACEMENT = timedelta(days=1)
# A message that its task rejected with `requeue=True` is delivered again after a second, then after twice as long each
# time, up to LONGEST_REQUEUE_SECONDS; a task that rejects it more than REJECTIONS times is FAILURE.
REQUEUE_SECONDS = 1.0
LONGEST_REQUEUE_SECONDS = 60.0
REJECTIONS = 20


class Ignored(MakertasksError):
    """The task raised Ignore without storing a state."""


def run(app: Any, task: Any, delivery: Delivery, claimed: Claim, queue: str, now: task_limits.Limits) -> bool:
    """Run a claimed attempt; returns False if another worker has taken it over. Raises Requeue and Unavailable."""
    message = delivery.message
    attempt = app.backend.attempts[message.task_id] = Attempt(claimed)
    request = request_of(message, delivery.worker, queue)
    try:
        info = _traced(app, task, delivery, request, now)
        if not attempt.is_stored:
            _settle(attempt, info, message)
    finally:
        del app.backend.attempts[message.task_id]
    return not attempt.is_lost


def request_of(message: wire.Message, worker: str, queue: str) -> dict[str, Any]:
    """A task's `self.request`: the message's headers and a worker's additions."""
    ignore = {} if message.ignore_result is None else {"ignore_result": message.ignore_result}
    return {
        **message.headers, **ignore, "headers": message.headers or None,
        "id": message.task_id, "task": message.name, "lang": "py", "correlation_id": message.task_id,
        "root_id": message.root_id or message.task_id, "parent_id": message.parent_id,
        "group": message.group_id, "group_index": message.group_index, "retries": message.retries,
        "eta": message.eta and message.eta.isoformat(), "expires": message.expires and message.expires.isoformat(),
        "timelimit": [message.time_limit, message.soft_time_limit], "origin": message.origin,
        "shadow": message.shadow, "argsrepr": message.argsrepr, "kwargsrepr": message.kwargsrepr,
        "replaced_task_nesting": message.replaced_task_nesting,
        "stamped_headers": message.stamped_headers, "stamps": message.stamps,
        "args": message.args, "kwargs": message.kwargs, "hostname": worker, "is_eager": False,
        "callbacks": message.callbacks, "errbacks": message.errbacks, "chain": message.chain, "chord": message.chord,
        "reply_to": message.reply_to,
        "delivery_info": {"exchange": "", "routing_key": queues.name_of(queue), "priority": message.priority,
                          "redelivered": False},
        "properties": {**message.properties, "correlation_id": message.task_id, "reply_to": message.reply_to,
                       "priority": message.priority},
    }  # fmt: skip


def _traced(app: Any, task: Any, delivery: Delivery, request: dict[str, Any], now: task_limits.Limits) -> Any:
    """Run an attempt by Celery's tracer; returns its state and value, None for a success. A hard limit ends it here."""
    message, left = delivery.message, delivery.invocation.left
    soft = message.soft_time_limit or now.soft_time_limit or task.soft_time_limit
    wanted = message.time_limit or now.time_limit or task.time_limit
    hard = min(wanted or left, left)
    reason = "the task's time limit" if hard < left else "the remainder of the function's time-out"
    try:
        with time_limits.time_limits(soft, hard, reason, soft_error=_soft_error):
            _, info, _, _ = trace_task(
                task, message.task_id, message.args, message.kwargs, request, app=app, hostname=delivery.worker
            )
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as left_by:
        lost = WorkerLostError(f"Worker exited prematurely: {type(left_by).__name__}({left_by})")
        app.backend.mark_as_failure(message.task_id, lost, request=Context(request))
        return None
    except time_limits.TimeLimitExceeded:
        error = TimeLimitExceeded(hard)
        app.backend.mark_as_failure(message.task_id, error, request=Context(request))
        return None
    return info


def _soft_error(_text: str) -> Exception:
    """The exception as a worker raises it, without arguments."""
    return SoftTimeLimitExceeded()  # type: ignore[no-any-return]


def _settle(attempt: Attempt, info: Any, message: wire.Message) -> None:
    """Do what the tracer leaves to a worker: times of retries, ignored results, and rejections."""
    claimed = attempt.claimed
    state = states.SUCCESS if info is None else info.state
    if state == states.SUCCESS:
        attempt.is_lost = not lifecycle.succeed(claimed, None)
    elif state == states.RETRY:
        error = attempt.error or info.retval
        attempt.is_lost = not lifecycle.retry(claimed, error, _due(info.retval.when))
    elif state == states.REJECTED:
        _reject(attempt, info.retval, claimed.attempt - message.retries)
    elif state == states.IGNORED and str(info.retval) == REPLACED:
        attempt.is_lost = not lifecycle.release(claimed, {}, clock.now())
        lifecycle.wait_for_slot(claimed.record, clock.now() + REPLACEMENT)
    elif state == states.IGNORED:
        attempt.is_lost = not lifecycle.revoke_running(claimed, Ignored("ignored by the task itself"))
    else:
        attempt.is_lost = not lifecycle.fail(claimed, info.retval)


def _reject(attempt: Attempt, reason: Reject, times: int) -> None:
    """Record FAILURE or requeue the message: SQS has no dead-letter exchange, to which Celery would leave it."""
    if not reason.requeue or times > REJECTIONS:
        attempt.is_lost = not lifecycle.fail(attempt.claimed, reason)
        return
    wait = min(REQUEUE_SECONDS * 2 ** (times - 1), LONGEST_REQUEUE_SECONDS)
    attempt.is_lost = not lifecycle.retry(attempt.claimed, reason, _due(wait))
    raise Requeue(wait, "rejected, to be tried again")


def _due(when: Any) -> datetime:
    """The time of a retry: its ETA, or now plus its countdown; now if it has neither."""
    if isinstance(when, datetime):
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return clock.now() + timedelta(seconds=when or 0)
