"""One delivery of one task: check, claim, run an attempt. This module is independent of Lambda's events.

- Invalid arguments: FAILURE at once. Expired: REVOKED. Before its ETA, or rate-limited: Requeue(seconds).
- The claim is refused: nothing to do if the task has finished; Requeue(seconds) if another worker holds it.
- The task runs: SUCCESS, FAILURE, REVOKED; or Requeue(seconds) where it is tried again or goes on in a next invocation.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from makertasks import clock, masking, wire
from makertasks.aws import json_values, queues
from makertasks.errors import InvalidArguments, InvalidRequest, MakertasksError, NotFound, PermanentError
from makertasks.records import lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.submission import delays, generations, mapped
from makertasks.submission.drafts import bare, draft
from makertasks.tasks import Task
from makertasks.worker import attempt, follow_ups, rate_limits, task_limits
from makertasks.worker.attempt import Delivery, Requeue, Terminated

logger = Logger(child=True)

# Seconds after the end of another worker's lease at which a claim is retried.
AFTER_LEASE_SECONDS = 1.0


class Expired(MakertasksError):
    """The task expired before it started; Celery's TaskRevokedError."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a delivery: the task's record, and whether this delivery finished the task."""

    record: TaskRecord
    ended_now: bool


def execute(task: Task, delivery: Delivery) -> Outcome:
    """Process one delivery; raises Requeue or Unavailable.

    Afterwards the record is final, unless the task waits for its own schedule. A message that is redelivered after its
    task has finished gets the final record, too.
    """
    outcome = _bring_further(mapped.over(task, delivery.message.name), delivery)
    if outcome.record.is_final:
        follow_ups.follow(delivery.message, outcome.record)
    return outcome


def _bring_further(task: Task, delivery: Delivery) -> Outcome:
    try:
        record = _new_record(task, delivery)
    except (InvalidRequest, InvalidArguments, payloads.TooLarge, generations.TooManyGenerations) as error:
        return _refuse(task, delivery, error)
    expires, eta = delivery.message.expires, delivery.message.eta
    if expires and expires <= clock.now() and (ended := expire(record, expires)):
        return ended
    if eta and delays.seconds_until(eta):
        return _delay(task, delivery, record, eta)
    now = task_limits.of(task)
    if now.rate_limit and (turn := rate_limits.turn(record, now.rate_limit)):
        raise Requeue(delays.seconds_until(turn), f"delayed by the rate limit {now.rate_limit}")
    claimed = lifecycle.claim(record, delivery.worker, delivery.invocation.ends)
    if isinstance(claimed, TaskRecord):
        report_reuse(delivery.message, record, claimed)
        return stand_aside(claimed)
    logger.append_keys(attempt=claimed.attempt)
    final = attempt.run(task, delivery, claimed, now)
    return Outcome(final, ended_now=True) if final else stand_aside(records.get(record.task_id))


def _new_record(task: Task, delivery: Delivery) -> TaskRecord:
    if delivery.message.name != task.name:
        reason = f"the queue {task.short_name} accepts only {task.name}, not {delivery.message.name!r}"
        raise InvalidRequest("task", reason)
    generations.check(delivery.message)
    try:
        message = payloads.whole(delivery.message)
    except NotFound as error:
        raise InvalidArguments(f"kwargs: {error}; it was removed before the task began") from error
    except wire.Malformed as error:
        raise InvalidArguments(f"kwargs: {error}") from error
    return draft(task, message, created=delivery.sent, requested_by=delivery.requested_by).record


def _refuse(task: Task, delivery: Delivery, error: Exception) -> Outcome:
    """Record FAILURE at once for a message whose arguments will never be valid."""
    message = delivery.message
    kwargs = wire.plain(message.kwargs)
    args = wire.plain(message.args)
    size = len(wire.dump_value([args, kwargs]))
    if size > payloads.INLINE_BYTES or not json_values.fits_table([args, kwargs]):
        args, kwargs = [f"… {size:,} bytes of arguments"], {}
    shown = replace(bare(message), args=masking.masked(args), kwargs=masking.masked(kwargs, task.secret_arguments))
    record = records.new(shown, queue=task.short_name, created=delivery.sent)
    reason = error if isinstance(error, PermanentError) else InvalidArguments(str(error))
    if not lifecycle.close(record, Status.FAILURE, reason):
        return stand_aside(records.get(record.task_id))
    logger.warning("task refused", reason=str(error))
    return Outcome(records.get(record.task_id), ended_now=True)


def expire(record: TaskRecord, expires: datetime) -> Outcome | None:
    """Record REVOKED for a task that did not start in time; None if a worker holds it."""
    reason = Expired(f"expired at {clock.text(expires)} before it started")
    ended_now = lifecycle.close(record, Status.REVOKED, reason)
    ended = records.get(record.task_id)
    return Outcome(ended, ended_now) if ended.is_final else None


def _delay(task: Task, delivery: Delivery, record: TaskRecord, eta: datetime) -> Outcome:
    """Record a scheduled task, so that it is visible, and make its message come back at its ETA."""
    if not lifecycle.create(record):
        stored = records.get(record.task_id)
        if stored.status != Status.PENDING:
            return stand_aside(stored)
    wait = delays.seconds_until(eta)
    if wait <= queues.MAXIMUM_DELAY_SECONDS:
        raise Requeue(wait, "scheduled for later")
    try:
        delays.send(task.short_name, delivery.message)
    except delays.TooLong as error:
        lifecycle.close(record, Status.FAILURE, error)
    return Outcome(ended := records.get(record.task_id), ended_now=ended.is_final)


class IdReused(MakertasksError):
    """Another task was sent with the same id."""


def report_reuse(message: wire.Message, record: TaskRecord, held: TaskRecord) -> None:
    """Record a message as a separate failed task if a finished task with other arguments has its id.

    A duplicate message has the record's arguments, and a retry or replacement is marked as such.
    """
    if not held.is_final or message.retries or message.replaced_task_nesting or held.name == records.UNKNOWN:
        return
    given, known = ((each.name, each.args or [], each.kwargs, _keys(each.payloads)) for each in (record, held))
    if given == known or held.body:
        return
    new_id = str(uuid.uuid5(follow_ups.NAMESPACE, f"{held.task_id}/reused/{wire.dump_value(given)}"))
    reason = IdReused(
        f"the id {held.task_id} belongs to a finished task with other arguments, so this task did not run. Send it "
        "with an id of its own"
    )
    shown = replace(bare(message), task_id=new_id, args=record.args or [], kwargs=record.kwargs)
    lifecycle.close(
        records.new(shown, queue=str(record.queue), created=clock.parse(record.created)), Status.FAILURE, reason
    )
    logger.warning("task refused", reason=str(reason), recorded_as=new_id)


def _keys(pointers: dict[str, Any] | None) -> list[str]:
    return [str(pointer["key"]) for field, pointer in sorted((pointers or {}).items()) if field != "result"]


def stand_aside(held: TaskRecord) -> Outcome:
    """Handle a refused claim: there is nothing to do, or the message comes back later."""
    if held.is_final:
        logger.info("message of a finished task dropped", status=held.status)
        return Outcome(held, ended_now=False)
    present = clock.now()
    if held.status == Status.RETRY and held.retry_at:
        raise Requeue(delays.seconds_until(clock.parse(held.retry_at)), "the next attempt is scheduled for later")
    lease_left = float(held.lease or 0) - present.timestamp()
    if lease_left <= 0 and held.terminate:
        ended_now = lifecycle.close(held, Status.REVOKED, Terminated(f"terminated by {held.terminate}"))
        return Outcome(records.get(held.task_id), ended_now)
    raise Requeue(lease_left + AFTER_LEASE_SECONDS, f"{held.worker} is running the task")
