"""What each step of a task writes to its record: lists of DynamoDB update actions, for `lifecycle`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.update import Action

from makertasks import clock, settings
from makertasks.records import failures
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, Status

# Maximum number of earlier attempts that a record keeps with their errors; older ones are dropped.
KEPT_ATTEMPTS = 100
ERROR_CHARACTERS = 500

_FIRST_WRITE = (
    "name", "queue", "args", "kwargs", "positional", "payloads", "created", "name_key", "status_key", "item_id",
    "item_name",
    "requested_by", "retry_of", "changes", "max_retries", "eta", "expires", "parent_id", "root_id", "group_id",
    "options",
)  # fmt: skip


def first(record: TaskRecord) -> list[Action]:
    """Attributes from the first write; those of an existing record do not change."""
    return [attribute.set(attribute | value) for attribute, value in _initial(record)]


def _initial(record: TaskRecord) -> Iterator[tuple[Any, Any]]:
    for name in _FIRST_WRITE:
        value = getattr(record, name)
        if value is not None:
            yield getattr(TaskRecord, name), value


def starting(record: TaskRecord, worker: str, lease_ends: float, moment: datetime) -> list[Action]:
    """An attempt starts."""
    return [
        TaskRecord.worker.set(worker),
        TaskRecord.started.set(clock.text(moment)),
        TaskRecord.lease.set(lease_ends),
        TaskRecord.retry_at.remove(),
        TaskRecord.slot.remove(),
        TaskRecord.requeues.remove(),
        TaskRecord.requeued.remove(),
        TaskRecord.own_state.remove(),
        TaskRecord.attempt.add(1),
        *_outcome(record, Status.STARTED, worker=worker),
    ]


def waiting(record: TaskRecord, at: datetime, error: BaseException | None = None) -> list[Action]:
    """The task waits for its next attempt, which may start at `at`."""
    return [
        TaskRecord.retry_at.set(clock.text(at)),
        TaskRecord.lease.remove(),
        *_outcome(record, Status.RETRY, error=error),
    ]


def ended_attempt(record: TaskRecord, moment: datetime, outcome: str, error: str) -> Action:
    """The attempt that has just ended is added to the earlier ones."""
    ended = {
        "start": record.started,
        "end": clock.text(moment),
        "worker": record.worker,
        "outcome": outcome,
        "error": error[:ERROR_CHARACTERS],
    }
    return TaskRecord.attempts.set([*(record.attempts or []), ended][-KEPT_ATTEMPTS:])


def final(
    record: TaskRecord,
    target: Status,
    *,
    result: Any = None,
    pointer: dict[str, Any] | None = None,
    error: BaseException | None = None,
    is_compressed: bool = False,
) -> list[Action]:
    """The task has finished. `pointer` locates a result that is too large for the record."""
    moment = clock.now()
    actions: list[Action] = [
        TaskRecord.done.set(clock.text(moment)),
        _status_key(record, target),
        TaskRecord.lease.remove(),
        TaskRecord.retry_at.remove(),
        TaskRecord.slot.remove(),
        *_outcome(record, target, result=result, error=error, done=moment, is_compressed=is_compressed),
    ]
    if target is Status.SUCCESS:  # otherwise it is the task's progress
        actions.append(TaskRecord.state.remove())
    if record.started:
        actions.append(TaskRecord.runtime.set(round((moment - clock.parse(record.started)).total_seconds(), 3)))
    if pointer:
        actions.append(TaskRecord.payloads.set({**(record.payloads or {}), "result": pointer}))
    if record.item_name:
        actions.append(TaskRecord.item_name.set(TaskRecord.item_name | record.item_name))
    if record.children:
        actions.append(TaskRecord.children.set(record.children))
    if lasts_until := expiry(target):
        actions.append(TaskRecord.ttl.set(lasts_until))
    return actions


def _status_key(record: TaskRecord, target: Status) -> Action:
    """The task moves in the status index, or leaves it."""
    key = records.status_key(record.task_id, target, record.created)
    return TaskRecord.status_key.remove() if key is None else TaskRecord.status_key.set(key)


def closed(record: TaskRecord, target: Status, error: BaseException) -> TaskRecord:
    """Return a copy of a new record that is final from the start."""
    copy = TaskRecord(record.id, **{name: value for name, value in record.attribute_values.items() if name != "id"})
    copy.done = clock.text(clock.now())
    copy.status, copy.status_key = target.value, records.status_key(record.task_id, target, record.created)
    copy.result = records.meta(copy, target, error=error, done=clock.parse(copy.done))
    copy.ttl = record.ttl or expiry(target)
    copy.error_type, copy.error_message = type(error).__name__, failures.message(error)
    copy.fingerprint = failures.fingerprint(record.name, copy.error_type, copy.error_message)
    return copy


def state(value: dict[str, Any]) -> Action:
    """The state with which the task continues, in this invocation or another."""
    return TaskRecord.state.set(json.dumps(value, separators=(",", ":")))


def expiry(target: Status) -> datetime | None:
    """Return when the record of a task that finishes now expires; None keeps it."""
    days = settings.retention_days(target.value) if target in FINAL else None
    return None if days is None else clock.now() + timedelta(days=days)


def _outcome(record: TaskRecord, status: Status, *, error: BaseException | None = None, **new: Any) -> list[Action]:
    """Status, Celery's result and the error's attributes; `new` holds what `records.meta` cannot read in the record."""
    actions: list[Action] = [
        TaskRecord.status.set(status.value),
        TaskRecord.result.set(records.meta(record, status, error=error, **new)),
        TaskRecord.timestamp.set(int(clock.now().timestamp())),
    ]
    if error is not None:
        kind, message = type(error).__name__, failures.message(error)
        actions += [
            TaskRecord.error_type.set(kind),
            TaskRecord.error_message.set(message),
            TaskRecord.fingerprint.set(failures.fingerprint(record.name, kind, message)),
        ]
    elif record.error_type and status is Status.SUCCESS:
        actions += [TaskRecord.error_type.remove(), TaskRecord.error_message.remove(), TaskRecord.fingerprint.remove()]
    return actions
