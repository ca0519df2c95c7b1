"""Flower's metrics for Prometheus, from the counters, and its health check.

A scrape reads one small item per task name, and the hourly counters of the last three days. Numbers of events include
deleted tasks, so they never decrease, as Prometheus requires.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from api.access import Role
from api.routing import Reply, route
from makertasks import tasks
from makertasks.monitoring import queues
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import reading
from makertasks.records.states import Status

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# Upper limits of the histogram in seconds; Flower's and the Prometheus client's defaults.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
# The label `worker` of task-sent events, for which Flower has the name of each client's process.
CLIENT = "client"
TYPES = {
    Status.SUCCESS: "task-succeeded",
    Status.FAILURE: "task-failed",
    Status.REVOKED: "task-revoked",
}


@route("GET", "/metrics", Role.VIEWER, tag="Flower", media=("text/plain",))
def flower_metrics() -> Reply:
    """Return Flower's metrics in Prometheus's text format; scrapers sign in with client credentials."""
    from prometheus_client import exposition  # noqa: PLC0415 - only scrapes need it
    from prometheus_client.registry import Collector, CollectorRegistry  # noqa: PLC0415 - as above

    class Counted(Collector):
        def collect(self) -> Iterator[Metric]:
            return _metrics()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Counted())
    return Reply(exposition.generate_latest(registry).decode(), content_type="text/plain; version=0.0.4; charset=utf-8")


@route("GET", "/healthcheck", Role.NOBODY, tag="Flower", media=("text/plain",))
def flower_healthcheck() -> Reply:
    """Return OK."""
    return Reply("OK", content_type="text/plain; charset=utf-8")


def _metrics() -> Iterator[Metric]:
    from prometheus_client.core import (  # noqa: PLC0415 - as above
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    events = CounterMetricFamily("flower_events", "Number of events", labels=["worker", "type", "task"])
    runtime = HistogramMetricFamily("flower_task_runtime_seconds", "Task runtime", labels=["worker", "task"])
    waiting = GaugeMetricFamily(
        "flower_worker_prefetched_tasks", "Number of tasks that wait for a worker", labels=["worker", "task"]
    )
    prefetch = GaugeMetricFamily(
        "flower_task_prefetch_time_seconds",
        "The time the task that waits longest has spent waiting for a worker",
        labels=["worker", "task"],
    )
    executing = GaugeMetricFamily(
        "flower_worker_number_of_currently_executing_tasks",
        "Number of tasks currently executing at a worker",
        labels=["worker"],
    )
    online = GaugeMetricFamily("flower_worker_online", "Worker online status", labels=["worker"])
    totals = {cell.name: cell for cell in reading.totals()}
    running: dict[str, float] = defaultdict(float)
    for task in tasks.discover().values():
        cell = totals.get(task.name, counters.CounterCell("totals", f"#{task.name}"))
        for kind, number in _events(cell):
            events.add_metric([CLIENT if kind == "task-sent" else task.short_name, kind, task.name], number)
        runtime.add_metric(
            [task.short_name, task.name], _buckets(cell), float(cell.runtime_sum - (cell.failed_sum or 0))
        )
        waiting.add_metric([task.short_name, task.name], cell.counts.get(Status.PENDING, 0))
        running[task.short_name] += cell.counts.get(Status.STARTED, 0)
    for worker, active in running.items():
        executing.add_metric([worker], active)
    oldest = queues.oldest_waiting()
    for queue in queues.list_queues(oldest):
        online.add_metric([queue["name"]], float(queue["state"] != "paused"))
        for name in queue["tasks"]:
            prefetch.add_metric([queue["name"], name], oldest.get(name, 0.0))
    yield from (events, runtime, prefetch, waiting, executing, online)


def _events(cell: counters.CounterCell) -> Iterator[tuple[str, int]]:
    """Yield Flower's number of events by type; a retried task starts more than once."""
    ever: dict[str, int] = defaultdict(int, cell.counts)
    for status, number in (cell.removed or {}).items():
        ever[status] += number
    received, retried = sum(ever.values()), int(cell.retried)
    yield "task-sent", received
    yield "task-received", received
    yield "task-started", sum(cell.runtimes.values()) + retried + cell.counts.get(Status.STARTED, 0)
    yield "task-retried", retried
    for status, kind in TYPES.items():
        yield kind, ever[status]


def _buckets(cell: counters.CounterCell) -> list[tuple[str, float]]:
    """Return a histogram's buckets: the cumulative number of successes by upper limit."""
    failed = cell.failed_runtimes or {}
    found = [(counters.bucket_limit(int(bucket)), n - failed.get(bucket, 0)) for bucket, n in cell.runtimes.items()]
    cumulative = [(repr(limit), float(sum(number for within, number in found if within <= limit))) for limit in BUCKETS]
    return [*cumulative, ("+Inf", float(sum(number for _, number in found)))]
