"""Numbers for CloudWatch, as embedded metrics in the logs: written with the log line, read without a call.

Namespace `makertasks`, dimension `service` (the stack's name), beside it `task_name` where a number is of one task:

    TaskSubmitted, TaskStarted, TaskSucceeded, TaskFailed, TaskRetried, TaskRevoked   from the tasks table's stream
    Delivered (messages), QueueDelay, Runtime (seconds), ColdStart                    from the worker
    Failed (1 or 0 for each ended task; its average is the share that fails), StuckTasks,
    WaitingTooLong (kinds of task, one of which has waited for more than half an hour; only where there are any)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from makertasks.monitoring.counters.cells import Change
from makertasks.records.states import Status

NAMESPACE = "makertasks"

# What a task's step to a status is called. Every new task is TaskSubmitted, whatever its first status is.
STEPS = {
    Status.STARTED: "TaskStarted",
    Status.SUCCESS: "TaskSucceeded",
    Status.FAILURE: "TaskFailed",
    Status.RETRY: "TaskRetried",
    Status.REVOKED: "TaskRevoked",
}
OUTCOMES = {Status.SUCCESS: 0, Status.FAILURE: 1}


def steps(changes: Iterable[Change]) -> None:
    """Write what a batch of changes means. Unlike in the counters, a batch that is delivered twice counts twice."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    outcomes: list[int] = []
    for change in changes:
        reached = [Status(status) for status, number in change.counts.items() if number > 0]
        if reached and len(change.counts) == 1:
            counted[change.name]["TaskSubmitted"] += 1
        for status in reached:
            if status in STEPS:
                counted[change.name][STEPS[status]] += 1
        outcomes += [OUTCOMES[status] for status in reached if status in OUTCOMES]
    for name, numbers in counted.items():
        metrics = of_task(name)
        for metric, number in numbers.items():
            metrics.add_metric(name=metric, unit=MetricUnit.Count, value=number)
        metrics.flush_metrics()
    if outcomes:
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        for outcome in outcomes:
            metrics.add_metric(name="Failed", unit=MetricUnit.Count, value=outcome)
        metrics.flush_metrics()


def stuck(tasks: int) -> None:
    """Write how many tasks a sweep had to move on."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name="StuckTasks", unit=MetricUnit.Count, value=tasks)
    metrics.flush_metrics()


def waiting_too_long(kinds: int) -> None:
    """Write how many kinds of task have one that waits too long; nothing where there is none."""
    if kinds:
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        metrics.add_metric(name="WaitingTooLong", unit=MetricUnit.Count, value=kinds)
        metrics.flush_metrics()


def of_task(name: str) -> EphemeralMetrics:
    """Metrics of one task."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.set_default_dimensions(task_name=name)
    return metrics
