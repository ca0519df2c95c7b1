"""Delays: up to 15 minutes the queue keeps a message itself; beyond, a one-time schedule sends it when it is due.

A schedule's name follows from the task's id, so that asking twice makes one; it deletes itself once it has sent.
EventBridge Scheduler is precise to 60 seconds (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html),
so it sends a minute early, and the function that gets the message lets it wait in the queue until its very second.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from makertasks import clock, settings, wire
from makertasks.aws import queues, schedules
from makertasks.errors import InvalidRequest, PermanentError
from makertasks.records import payloads

# How far ahead an eta may be.
LONGEST = timedelta(days=366)
EARLY_SECONDS = 60
# Of a target's input, https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html.
MAXIMUM_INPUT_BYTES = 262_144

# Scheduler's own defaults: it tries for a day where the queue refuses.
RETRIES = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400}


class TooLong(PermanentError):
    """A message that no schedule holds."""


def check(eta: datetime, field: str = "eta") -> None:
    """Raises InvalidRequest for a time that is too far ahead."""
    if eta - clock.now() > LONGEST:
        raise InvalidRequest(
            field, f"{clock.text(eta)} is more than a year ahead; {clock.text(clock.now() + LONGEST)} is the latest"
        )


def seconds_until(eta: datetime | None) -> float:
    """Seconds from now on, 0 where the time has come."""
    return max((eta - clock.now()).total_seconds(), 0.0) if eta else 0.0


def send(queue: str, message: wire.Message) -> None:
    """Send a message so that it arrives at its `eta` or shortly before; raises TooLong and Unavailable.

    A client makes no schedules: it sends the message at once, and the function that gets it makes one.
    """
    wait = seconds_until(message.eta)
    if message.eta is None or wait <= queues.MAXIMUM_DELAY_SECONDS:
        queues.send(queue, body_of(queue, message), wait)
    elif not settings.makes_schedules():
        queues.send(queue, body_of(queue, message))
    else:
        schedule(queue, message.task_id, body_of(queue, message), message.eta)


def body_of(queue: str, message: wire.Message) -> str:
    """What travels to a queue: large arguments are put into the bucket first, where they are not there yet."""
    return wire.encode(payloads.slim(message), queues.name_of(queue))


def schedule(queue: str, task_id: str, body: str, at: datetime) -> None:
    """Have a message sent a minute before `at`; a schedule that the task has already stays.

    Raises TooLong and Unavailable.
    """
    if (size := len(body.encode())) > MAXIMUM_INPUT_BYTES:
        raise TooLong(
            f"eta: the message has {size:,} bytes with its headers and what follows it, and a schedule of EventBridge "
            f"holds {MAXIMUM_INPUT_BYTES:,}; send it within 15 minutes of its time, or make its canvas smaller"
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
    """Remove a task's schedule; no error where it has none. Raises Unavailable."""
    schedules.delete(group(), name_of(task_id), f"the schedule of task {task_id}")


def group() -> str:
    """Name of the group that holds these schedules."""
    return f"{settings.stack()}-delays"


def name_of(task_id: str) -> str:
    """Name of a task's schedule.

    >>> name_of("1")
    'task-6b86b273ff34fce19d6b804eff5a3f57'
    """
    return f"task-{hashlib.sha256(task_id.encode()).hexdigest()[:32]}"
