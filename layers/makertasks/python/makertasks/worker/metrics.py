"""CloudWatch metrics, only a few, because each is billed per hour in which it is written, and log lines for the rest.

Metrics, namespace `makertasks`, dimension `service` (the stack's name), embedded in the logs:

    Failed          1 or 0 for each finished task; its average is the failure rate, its sample count the number of tasks
    StuckTasks      tasks that a sweep had to resend or give up, if any
    WaitingTooLong  task types with a task that has waited for more than half an hour, if any

Log lines: `task steps` of the function task_events (tasks of one name that reached a status, and their runtimes) and
`task ended` of each task's function (runtime and queue_delay in seconds). The exact counts are in the counters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from makertasks.monitoring.counters.counting import Change
from makertasks.records.states import Status

logger = Logger(child=True)

NAMESPACE = "makertasks"

# Names of the steps in the log. Every new task counts as submitted, whatever its first status is.
STEPS = {
    Status.STARTED: "started",
    Status.SUCCESS: "succeeded",
    Status.FAILURE: "failed",
    Status.RETRY: "retried",
    Status.REVOKED: "revoked",
}
OUTCOMES = {Status.SUCCESS: 0, Status.FAILURE: 1}


def steps(changes: Iterable[Change]) -> None:
    """Log a batch of changes. Unlike in the counters, a redelivered batch counts twice."""
    counted: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(int))
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    outcomes = 0
    for change in changes:
        reached = [Status(status) for status, number in change.counts.items() if number > 0]
        of_name = counted[change.name]
        if reached and len(change.counts) == 1:
            of_name["submitted"] += 1
        for status in reached:
            if status in STEPS:
                of_name[STEPS[status]] += 1
            if status in OUTCOMES:
                metrics.add_metric(name="Failed", unit=MetricUnit.Count, value=OUTCOMES[status])
                outcomes += 1
        if change.runtime is not None:
            of_name["runtime_sum"] += change.runtime
            of_name["runtime_max"] = max(of_name["runtime_max"], change.runtime)
    for name, numbers in counted.items():
        if numbers:
            logger.info("task steps", extra={"task_name": name, **numbers})
    if outcomes:
        metrics.flush_metrics()


def stuck(tasks: int) -> None:
    """Write the number of tasks that a sweep had to recover, unless it is zero."""
    _write("StuckTasks", tasks)


def waiting_too_long(kinds: int) -> None:
    """Write the number of task types with a task that waits too long, unless it is zero."""
    _write("WaitingTooLong", kinds)


def _write(name: str, number: int) -> None:
    if number:
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
        metrics.flush_metrics()
