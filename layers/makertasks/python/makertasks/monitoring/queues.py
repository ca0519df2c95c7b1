"""The queues as operators see them: what waits in each, and whether its event source mapping feeds its function.

All functions raise Unavailable where AWS refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypedDict

from makertasks import clock, tasks
from makertasks.aws import event_sources, queues
from makertasks.aws.dynamodb import answering
from makertasks.errors import NotFound
from makertasks.monitoring import dead_letters
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# unused: nothing is sent to it, as a parameter of the stack says.
State = Literal["running", "paused", "changing", "unused"]

_STATES: dict[str, State] = {"Enabled": "running", "Disabled": "paused"}
# Keys of active tasks that are looked at in each shard, oldest first, to find what waits longest.
OLDEST_EXAMINED = 50
OLDEST_READ = 100  # one BatchGetItem


class Queue(TypedDict):
    """A task's queue. Numbers of messages are SQS's approximations; `dead` are dead letters not sent again yet."""

    name: str
    task: str
    waiting: int
    in_flight: int
    delayed: int
    dead: int
    oldest_seconds: float | None
    state: State
    maximum_concurrency: int | None


def list_queues() -> list[Queue]:
    """Every task's queue."""
    mappings, oldest, dead = dict(event_sources.mappings()), oldest_waiting(), dead_letters.counts()
    return [_queue(task, mappings.get(queues.name_of(task.short_name)), oldest, dead) for task in _tasks()]


def get(name: str) -> Queue:
    """One queue; raises NotFound."""
    return with_mapping(name, mapping_of(name))


def mapping_of(name: str) -> event_sources.Mapping | None:
    """The event source mapping of a task's queue, None where it has none; raises NotFound."""
    queue = queues.name_of(_task(name).short_name)
    return next((mapping for found, mapping in event_sources.mappings() if found == queue), None)


def with_mapping(name: str, mapping: event_sources.Mapping | None) -> Queue:
    """One queue, whose mapping is known; raises NotFound."""
    return _queue(_task(name), mapping, oldest_waiting(), dead_letters.counts())


def _tasks() -> Iterable[tasks.Task]:
    return tasks.discover().values()


def _task(name: str) -> tasks.Task:
    found = next((task for task in tasks.discover().values() if task.short_name == name), None)
    if found is None:
        raise NotFound(f"there is no queue {name[:100]!r}; GET /v1/queues lists those there are")
    return found


def _queue(
    task: tasks.Task, mapping: event_sources.Mapping | None, oldest: Mapping[str, float], dead: Mapping[str, int]
) -> Queue:
    waiting, in_flight, delayed = queues.lengths(task.short_name)
    without: State = "unused" if task.optional else "paused"
    state = _STATES.get(mapping.get("State", ""), "changing") if mapping else without
    return {
        "name": task.short_name,
        "task": task.name,
        "waiting": waiting,
        "in_flight": in_flight,
        "delayed": delayed,
        "dead": dead.get(task.short_name, 0),
        "oldest_seconds": oldest.get(task.name),
        "state": state,
        "maximum_concurrency": (mapping or {}).get("ScalingConfig", {}).get("MaximumConcurrency"),
    }


def oldest_waiting() -> dict[str, float]:
    """Seconds that the longest waiting task of each name has waited, by the tasks table; not counting until its ETA."""
    records.connect()
    present = clock.now()
    now = clock.text(present)
    keys: dict[str, list[tuple[str, str]]] = {}
    with answering("the tasks table did not answer"):
        for key in records.active_keys():
            for found in TaskRecord.by_status.query(key, limit=OLDEST_EXAMINED):
                if (found.eta or "") <= now:
                    keys.setdefault(found.name, []).append((found.created, found.id))
    stored = records.get_many(list(_oldest_of_each(keys.values()))[:OLDEST_READ])
    since: dict[str, str] = {}
    for record in stored.values():
        if record.status == Status.PENDING:
            moment = max(record.created, record.eta or "")
            since[record.name] = min(moment, since.get(record.name, moment))
    return {name: (present - clock.parse(moment)).total_seconds() for name, moment in since.items()}


def _oldest_of_each(keys: Iterable[list[tuple[str, str]]]) -> Iterator[str]:
    """Keys in turn, one of each name, the oldest first."""
    waiting = [sorted(each, reverse=True) for each in keys]
    while any(waiting):
        for each in waiting:
            if each:
                yield each.pop()[1]
