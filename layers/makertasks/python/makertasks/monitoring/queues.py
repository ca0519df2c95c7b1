"""Queues for operators: their lengths, and whether the event source mapping is enabled.

All functions raise Unavailable if AWS fails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypedDict

from makertasks import clock, tasks
from makertasks.aws import event_sources, queues
from makertasks.errors import NotFound, did_you_mean
from makertasks.monitoring import dead_letters, snapshot, unfinished
from makertasks.records import table as records
from makertasks.records.states import Status

# unused: a parameter of the stack is not set, so nothing is sent to it.
State = Literal["running", "paused", "changing", "unused"]

_STATES: dict[str, State] = {"Enabled": "running", "Disabled": "paused"}
# Concurrent requests to AWS; they wait for the network, not for the processor.
AT_A_TIME = 4
OLDEST_READ = 100  # one BatchGetItem
# Three retries take up to 20 minutes; whoever waits longer for a first attempt waits too long, in seconds.
TOO_LONG_SECONDS = 1_800


class Queue(TypedDict):
    """A queue: one task's, or a Celery application's, whose `task` is its name and which has several `tasks`.

    Numbers of messages are SQS's approximations; `dead` is the number of unredriven dead letters.
    """

    name: str
    task: str
    tasks: list[str]
    waiting: int
    in_flight: int
    delayed: int
    dead: int
    oldest_seconds: float | None
    state: State
    maximum_concurrency: int | None


def list_queues(oldest: Mapping[str, float] | None = None) -> list[Queue]:
    """Return every queue; `oldest` is the result of oldest_waiting(), if known."""
    served: dict[str, list[tasks.Task]] = defaultdict(list)
    for task in tasks.discover().values():
        served[task.short_name].append(task)
    names = sorted(served)
    with snapshot.threads(AT_A_TIME) as pool:
        waiting = pool.submit(oldest_waiting) if oldest is None else None
        mappings, dead = pool.submit(lambda: dict(event_sources.mappings())), pool.submit(dead_letters.counts)
        lengths = dict(zip(names, pool.map(queues.lengths, names), strict=True))
    found = waiting.result() if waiting else oldest or {}
    return [
        _queue(name, served[name], mappings.result().get(queues.name_of(name)), found, dead.result(), lengths[name])
        for name in names
    ]


def get(name: str) -> Queue:
    """One queue; raises NotFound."""
    return with_mapping(name, mapping_of(name))


def mapping_of(name: str) -> event_sources.Mapping | None:
    """Return the event source mapping of a task's queue, None if it has none; raises NotFound."""
    tasks_of(name)
    queue = queues.name_of(name)
    return next((mapping for found, mapping in event_sources.mappings() if found == queue), None)


def with_mapping(name: str, mapping: event_sources.Mapping | None) -> Queue:
    """One queue, whose mapping is known; raises NotFound."""
    return _queue(name, tasks_of(name), mapping, oldest_waiting(), dead_letters.counts(), queues.lengths(name))


def tasks_of(name: str) -> list[tasks.Task]:
    """Return the tasks of a queue; raises NotFound if there is no such queue."""
    found = tasks.of_queue(name)
    if not found:
        raise NotFound(f"there is no queue {name[:100]!r}{did_you_mean(name, tasks.queues())}")
    return found


def _queue(
    name: str,
    served: list[tasks.Task],
    mapping: event_sources.Mapping | None,
    oldest: Mapping[str, float],
    dead: Mapping[str, int],
    lengths: tuple[int, int, int],
) -> Queue:
    waiting, in_flight, delayed = lengths
    without: State = "unused" if served[0].optional else "paused"
    names = [task.name for task in served]
    state = _STATES.get(mapping.get("State", ""), "changing") if mapping else without
    return {
        "name": name,
        "task": name if served[0].is_of_application else names[0],
        "tasks": names,
        "waiting": waiting,
        "in_flight": in_flight,
        "delayed": delayed,
        "dead": dead.get(name, 0),
        "oldest_seconds": max((oldest[each] for each in names if each in oldest), default=None),
        "state": state,
        "maximum_concurrency": (mapping or {}).get("ScalingConfig", {}).get("MaximumConcurrency"),
    }


def oldest_waiting() -> dict[str, float]:
    """Return each name's longest waiting time in seconds, from the tasks table; time before the ETA does not count."""
    present = clock.now()
    now = clock.text(present)
    keys: dict[str, list[tuple[str, str]]] = {}
    for partition in unfinished.partitions():
        for found in partition.entries:
            if (found.eta or "") <= now:
                keys.setdefault(found.name, []).append((found.created, found.id))
    stored = records.get_many(list(_oldest_of_each(keys.values()))[:OLDEST_READ])
    since: dict[str, str] = {}
    for record in stored.values():
        if record.status == Status.PENDING:
            moment = max(record.created, record.eta or "")
            since[record.name] = min(moment, since.get(record.name, moment))
    return {name: (present - clock.parse(moment)).total_seconds() for name, moment in since.items()}


def waiting_too_long() -> dict[str, float]:
    """Return the longest waiting times in seconds of names with a task that waits too long; raises Unavailable."""
    return {name: seconds for name, seconds in oldest_waiting().items() if seconds > TOO_LONG_SECONDS}


def _oldest_of_each(keys: Iterable[list[tuple[str, str]]]) -> Iterator[str]:
    """Yield keys in turn, one of each name, the oldest first."""
    waiting = [sorted(each, reverse=True) for each in keys]
    while any(waiting):
        for each in waiting:
            if each:
                yield each.pop()[1]
