"""Workers: each task's function, its totals of the last day, and its recent execution environments."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TypedDict

from makertasks import clock, tasks
from makertasks.monitoring import listing, queues, snapshot
from makertasks.monitoring.counters import statistics
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# The period of the totals.
PERIOD = timedelta(hours=24)
# Concurrent requests to AWS; they wait for the network, not for the processor.
AT_A_TIME = 4


class Environment(TypedDict):
    """An execution environment, `{function}@{log stream}`; `tasks` are among the last hundred."""

    worker: str
    last_seen: str
    tasks: int
    running: int


class Worker(TypedDict):
    """A task's function. Totals count tasks created since `since`."""

    function: str
    task: str
    tasks: list[str]
    state: queues.State
    maximum_concurrency: int | None
    running: int
    processed: int
    succeeded: int
    failed: int
    revoked: int
    retried: int
    since: str
    environments: list[Environment]


def list_workers() -> list[Worker]:
    """Return every task's function; raises Unavailable.

    `running` and the environments are read from the newest hundred running and the newest hundred other tasks.
    """
    present = clock.now()
    since = present - PERIOD
    names = list(tasks.discover())
    with snapshot.threads(AT_A_TIME) as pool:
        totals = pool.submit(statistics.summary, since, present)
        running, recent = (
            pool.submit(listing.page, wanted, limit=listing.MAXIMUM_LIMIT, names=names)
            for wanted in (listing.Filter(status=Status.STARTED), listing.Filter())
        )
        listed = pool.submit(queues.list_queues)
    counted = {entry["name"]: entry for entry in totals.result()["by_name"]}
    return [
        _worker(
            queue,
            [counted[name] for name in queue["tasks"] if name in counted],
            _of(queue, running.result().records),
            _of(queue, recent.result().records),
            clock.text(since),
        )
        for queue in listed.result()
    ]


def _of(queue: queues.Queue, records: list[TaskRecord]) -> list[TaskRecord]:
    return [record for record in records if record.name in queue["tasks"]]


def _worker(
    queue: queues.Queue,
    counted: list[statistics.NameCounts],
    running: list[TaskRecord],
    recent: list[TaskRecord],
    since: str,
) -> Worker:
    ended = {
        status: sum(each["counts"].get(status, 0) for each in counted)
        for status in (Status.SUCCESS, Status.FAILURE, Status.REVOKED)
    }
    return {
        "function": queue["name"],
        "task": queue["task"],
        "tasks": queue["tasks"],
        "state": queue["state"],
        "maximum_concurrency": queue["maximum_concurrency"],
        "running": len(running),
        "processed": ended[Status.SUCCESS] + ended[Status.FAILURE],
        "succeeded": ended[Status.SUCCESS],
        "failed": ended[Status.FAILURE],
        "revoked": ended[Status.REVOKED],
        "retried": sum(each["retried"] for each in counted),
        "since": since,
        "environments": _environments(running, recent),
    }


def _environments(running: list[TaskRecord], recent: list[TaskRecord]) -> list[Environment]:
    """Return the environments, the most recent first."""
    by_id = {record.task_id: record for record in [*recent, *running] if record.worker}
    seen: dict[str, str] = {}
    for record in by_id.values():
        moment = record.done or record.started or record.created
        seen[record.worker or ""] = max(moment, seen.get(record.worker or "", ""))
    busy = Counter(record.worker for record in running)
    made = Counter(record.worker for record in by_id.values())
    return [
        {"worker": worker, "last_seen": seen[worker], "tasks": made[worker], "running": busy[worker]}
        for worker in sorted(seen, key=lambda name: seen[name], reverse=True)
    ]
