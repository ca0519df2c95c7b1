"""The queues as their operators see them: what waits in each, and the event source mapping that feeds its function.

Pausing switches the mapping off: messages wait, nothing is lost. All functions raise Unavailable where AWS refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Literal, TypedDict

from makertasks import clock, settings, tasks
from makertasks.aws import queues, session
from makertasks.aws.dynamodb import answering
from makertasks.aws.errors import asking
from makertasks.errors import InvalidRequest, NotFound
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.records.table import ACTIVE_SHARDS

# unused: nothing is sent to it, as a parameter of the stack says.
State = Literal["running", "paused", "changing", "unused"]

_STATES: dict[str, State] = {"Enabled": "running", "Disabled": "paused"}
# Lambda's own bounds of ScalingConfig.MaximumConcurrency.
MINIMUM_CONCURRENCY, MAXIMUM_CONCURRENCY = 2, 1000
# Keys of active tasks that are looked at in each shard, oldest first, to find what waits longest.
OLDEST_EXAMINED = 50
OLDEST_READ = 100  # one BatchGetItem


class Queue(TypedDict):
    """A task's queue. Numbers of messages are SQS's approximations."""

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
    mappings = {queue: mapping for mapping in _mappings() if (queue := _queue_of(mapping)) is not None}
    oldest = _oldest()
    return [_queue(task, mappings.get(task.short_name), oldest) for task in tasks.discover().values()]


def get(name: str) -> Queue:
    """One queue; raises NotFound."""
    task = _task(name)
    return _queue(task, _mapping(name), _oldest())


def pause(name: str) -> Queue:
    """Switch a queue's consumer off; raises NotFound. Tasks that run now end in peace."""
    return _update(name, Enabled=False)


def resume(name: str) -> Queue:
    """Switch a queue's consumer on; raises NotFound."""
    return _update(name, Enabled=True)


def set_maximum_concurrency(name: str, number: int | None) -> Queue:
    """Let at most so many of a queue's tasks run at a time, None: as many as Lambda likes.

    Raises NotFound, or InvalidRequest for a number that Lambda does not take.
    """
    check_concurrency(number)
    return _update(name, ScalingConfig={} if number is None else {"MaximumConcurrency": number})


def check_concurrency(number: int | None) -> None:
    """Raises InvalidRequest for a number of concurrent tasks that Lambda does not take."""
    if number is not None and not MINIMUM_CONCURRENCY <= number <= MAXIMUM_CONCURRENCY:
        raise InvalidRequest(
            "maximum_concurrency",
            f"must be between {MINIMUM_CONCURRENCY} and {MAXIMUM_CONCURRENCY}, or null for no limit, not {number}; "
            "to run nothing, pause the queue",
        )


def _update(name: str, **change: Any) -> Queue:
    task = _task(name)
    mapping = _mapping(name)
    if mapping is None:
        raise NotFound(f"the queue {name} has no consumer; deploy the stack again")
    with asking(f"the consumer of {name} could not be changed"):
        changed: dict[str, Any] = session.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], **change)
    return _queue(task, changed, _oldest())


def _task(name: str) -> tasks.Task:
    found = next((task for task in tasks.discover().values() if task.short_name == name), None)
    if found is None:
        raise NotFound(f"there is no queue {name[:100]!r}; GET /v1/queues lists those there are")
    return found


def _queue(task: tasks.Task, mapping: dict[str, Any] | None, oldest: dict[str, float]) -> Queue:
    waiting, in_flight, delayed = _lengths(queues.name_of(task.short_name))
    dead = _lengths(dead_letters_of(task.short_name))
    without: State = "unused" if task.optional else "paused"
    state = _STATES.get(mapping.get("State", ""), "changing") if mapping else without
    return {
        "name": task.short_name,
        "task": task.name,
        "waiting": waiting,
        "in_flight": in_flight,
        "delayed": delayed,
        "dead": sum(dead),
        "oldest_seconds": oldest.get(task.name),
        "state": state,
        "maximum_concurrency": (mapping or {}).get("ScalingConfig", {}).get("MaximumConcurrency"),
    }


def dead_letters_of(name: str) -> str:
    """Name of the queue that takes what a task's queue gave up on."""
    return f"{settings.stack()}-dead-{name}"


def _lengths(queue: str) -> tuple[int, int, int]:
    """Messages that wait, are in flight, and are delayed."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    with asking(f"the queue {queue} did not answer"):
        found = session.client("sqs").get_queue_attributes(QueueUrl=_url_of(queue), AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]]), int(found[names[2]])


@cache
def _url_of(queue: str) -> str:
    url: str = session.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    return url


def _mappings() -> Iterator[dict[str, Any]]:
    with asking("the queues' consumers could not be listed"):
        for page in session.client("lambda").get_paginator("list_event_source_mappings").paginate():
            yield from page["EventSourceMappings"]


def _mapping(name: str) -> dict[str, Any] | None:
    """The mapping that reads a task's queue. AWS lists it under the function's alias, not under the function's name."""
    return next((mapping for mapping in _mappings() if _queue_of(mapping) == name), None)


def _queue_of(mapping: dict[str, Any]) -> str | None:
    """The task's queue that a mapping reads, None where it reads something else."""
    queue = str(mapping.get("EventSourceArn", "")).rpartition(":")[2]
    prefix = queues.name_of("")
    return queue.removeprefix(prefix) if queue.startswith(prefix) else None


def _oldest() -> dict[str, float]:
    """Seconds that the longest waiting task of each name has waited, by the tasks table; an eta is no waiting."""
    records.connect()
    present = clock.now()
    now = clock.text(present)
    keys: dict[str, list[tuple[str, str]]] = {}
    with answering("the tasks table did not answer"):
        for shard in range(ACTIVE_SHARDS):
            for found in TaskRecord.by_status.query(f"ACTIVE#{shard}", limit=OLDEST_EXAMINED):
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
