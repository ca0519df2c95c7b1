"""Delays: up to 15 minutes by the queue's own message delay, beyond that by a one-time schedule.

A schedule's name is derived from the task's id, so that there is only one; it deletes itself once it has sent.
EventBridge Scheduler is precise to 60 seconds
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html), so it sends a minute early, and the
function that receives the message delays it in the queue for the rest.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from makertasks import clock, settings, wire
from makertasks.aws import queues, schedules
from makertasks.errors import InvalidRequest, PermanentError
from makertasks.records import payloads

# Maximum distance of an ETA.
LONGEST = timedelta(days=366)
EARLY_SECONDS = 60
# Limit of a target's input, https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html.
MAXIMUM_INPUT_BYTES = 262_144

# Scheduler's own defaults: it retries for a day.
RETRIES = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400}


class TooLong(PermanentError):
    """A message too large for a schedule."""


def check(eta: datetime, field: str = "eta") -> None:
    """Raises InvalidRequest for a time that is too far ahead."""
    if eta - clock.now() > LONGEST:
        raise InvalidRequest(
            field, f"{clock.text(eta)} is more than a year ahead; the latest is {clock.text(clock.now() + LONGEST)}"
        )


def seconds_until(eta: datetime | None) -> float:
    """Return the seconds from now, 0 for a past time."""
    return max((eta - clock.now()).total_seconds(), 0.0) if eta else 0.0


def send(queue: str, message: wire.Message) -> None:
    """Send a message so that it arrives at its `eta` or shortly before; raises TooLong and Unavailable.

    A client creates no schedules: it sends the message at once, and the function that receives it creates one.
    """
    wait = seconds_until(message.eta)
    if message.eta is None or wait <= queues.MAXIMUM_DELAY_SECONDS:
        queues.send(queue, body_of(queue, message), wait)
    elif not settings.makes_schedules():
        queues.send(queue, body_of(queue, message))
    else:
        schedule(queue, message.task_id, body_of(queue, message), message.eta)


def body_of(queue: str, message: wire.Message) -> str:
    """Return the message to send, with large arguments moved to the bucket."""
    return wire.encode(payloads.slim(message), queues.name_of(queue))


def schedule(queue: str, task_id: str, body: str, at: datetime) -> None:
    """Schedule a message a minute before `at`, if the task has no schedule yet; raises TooLong and Unavailable."""
    if (size := len(body.encode())) > MAXIMUM_INPUT_BYTES:
        raise TooLong(
            f"eta: the message has {size:,} bytes with its headers and follow-ups, and the limit of an EventBridge "
            f"schedule is {MAXIMUM_INPUT_BYTES:,}; send it within 15 minutes of its ETA, or make its canvas smaller"
        )
    moment = at - timedelta(seconds=EARLY_SECONDS)
    schedules.create(
        group(),
        name_of(task_id),
        f"the delay of task {task_id}",
        ScheduleExpression=f"at({moment.strftime('%Y-%m-%dT%H:%M:%S')})",
        ScheduleExpressionTimezone="UTC",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={
            "Arn": queues.arn_of(queue),
            "RoleArn": settings.delays_role(),
            "Input": body,
            "RetryPolicy": RETRIES,
        },
    )


def cancel(task_id: str) -> None:
    """Delete a task's schedule, if it has one. Raises Unavailable."""
    schedules.delete(group(), name_of(task_id), f"the schedule of task {task_id}")


def group() -> str:
    """Return the name of the schedules' group."""
    return f"{settings.stack()}-delays"


def name_of(task_id: str) -> str:
    """Return the name of a task's schedule.

    >>> name_of("1")
    'task-6b86b273ff34fce19d6b804eff5a3f57'
    """
    return f"task-{hashlib.sha256(task_id.encode()).hexdigest()[:32]}"
