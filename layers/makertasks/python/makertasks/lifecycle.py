"""Everything that changes a task's record: create, claim, finish, retry, close.

Every write is one conditional write whose condition is the state machine's (`states`): who is late, doubled or no
longer the holder is refused by the table itself, never by a read before. All functions raise Unavailable where
DynamoDB refuses or fails; nothing has changed then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import DeleteError, PutError, PynamoDBException, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from makertasks import clock, records, settings, wire
from makertasks.errors import MakertasksError, Unavailable
from makertasks.failures import fingerprint
from makertasks.records import TaskRecord
from makertasks.states import FINAL, Status, sources

REFUSED = "ConditionalCheckFailedException"
WAITING = sorted(sources(Status.STARTED) - {Status.STARTED})  # PENDING and RETRY


class StillActive(MakertasksError):
    """A task that has not ended cannot be deleted."""


@dataclass(frozen=True)
class Claim:
    """An attempt that this worker holds. `lost_worker` is the one that stopped without a word, if any."""

    record: TaskRecord
    attempt: int
    lost_worker: str = ""


def create(record: TaskRecord) -> bool:
    """Write a new record; False where the task has one already, which then stays as it is."""
    records.connect()
    try:
        record.save(condition=TaskRecord.id.does_not_exist())
    except PutError as error:
        return _refused(error)
    return True


def claim(record: TaskRecord, worker: str, lease_ends: float) -> Claim | TaskRecord:
    """Begin an attempt, where the task is waiting, its time has come, or its holder's lease has ended.

    `record` is what `records.new()` makes of the message: it becomes the task's record where there is none. Where the
    claim is refused the answer is the record that stands in its way. `lease_ends` is in epoch seconds.
    """
    records.connect()
    moment = clock.now()
    free = (
        TaskRecord.status.does_not_exist()
        | (TaskRecord.status == Status.PENDING.value)
        | ((TaskRecord.status == Status.RETRY.value) & (TaskRecord.retry_at <= clock.text(moment)))
    )
    first_write = [attribute.set(attribute | value) for attribute, value in _initial(record)]
    if _update(record, [*first_write, *_starting(record, worker, lease_ends, moment)], free):
        return Claim(record, int(record.attempt))
    held = records.get(record.task_id)
    if held.status != Status.STARTED or held.lease is None or held.lease > moment.timestamp():
        return held
    return _take_over(held, worker, lease_ends, moment)


def _take_over(held: TaskRecord, worker: str, lease_ends: float, moment: datetime) -> Claim | TaskRecord:
    """Begin the next attempt of a task whose holder stopped without a word; the table lets one worker through."""
    lost = held.worker or ""
    same_holder = _held(lost, int(held.attempt))
    ended = _with_ended_attempt(held, moment, "CRASHED", f"{lost} stopped without a word")
    if _update(held, [*_starting(held, worker, lease_ends, moment), TaskRecord.attempts.set(ended)], same_holder):
        return Claim(held, int(held.attempt), lost)
    return records.get(held.task_id)


def succeed(claimed: Claim, result: Any) -> bool:
    """End an attempt with its result (JSON); False where the attempt is not this worker's any more."""
    return _update(claimed.record, _final(claimed.record, Status.SUCCESS, result=result), _mine(claimed))


def fail(claimed: Claim, error: BaseException) -> bool:
    """End an attempt, and the task, with an error; False where the attempt is not this worker's any more."""
    return _update(claimed.record, _final(claimed.record, Status.FAILURE, error=error), _mine(claimed))


def revoke_running(claimed: Claim, reason: BaseException) -> bool:
    """End an attempt because the task was called off; False where the attempt is not this worker's any more."""
    return _update(claimed.record, _final(claimed.record, Status.REVOKED, error=reason), _mine(claimed))


def retry(claimed: Claim, error: BaseException, at: datetime) -> bool:
    """End an attempt; the next may begin at `at`. False where the attempt is not this worker's any more."""
    record = claimed.record
    ended = _with_ended_attempt(record, clock.now(), Status.RETRY.value, f"{type(error).__name__}: {error}")
    actions = [TaskRecord.attempts.set(ended), *_waiting(at), *_outcome(record, Status.RETRY, error=error)]
    return _update(record, actions, _mine(claimed))


def release(claimed: Claim, at: datetime) -> bool:
    """Give an attempt back: the task goes on at `at`, and the attempt does not count."""
    record = claimed.record
    actions = [TaskRecord.attempt.add(-1), *_waiting(at), *_outcome(record, Status.RETRY)]
    return _update(record, actions, _mine(claimed))


def close(record: TaskRecord, target: Status, error: BaseException) -> bool:
    """End a task that no worker holds as FAILURE or REVOKED; False where it is held or has ended.

    `record` may be fresh from `records.new()`: where the task has no record yet, this becomes its first and last.
    """
    records.connect()
    if create(_closed(record, target, error)):
        return True
    stored = records.get(record.task_id)
    return _update(stored, _final(stored, target, error=error), TaskRecord.status.is_in(*WAITING))


def _closed(record: TaskRecord, target: Status, error: BaseException) -> TaskRecord:
    """A copy of a fresh record that is final from the beginning."""
    closed = TaskRecord(record.id, **{name: value for name, value in record.attribute_values.items() if name != "id"})
    closed.done = clock.text(clock.now())
    closed.status, closed.status_key = target.value, records.status_key(record.task_id, target, record.created)
    closed.result, closed.ttl = records.meta(closed, target, error=error), _expiry(target)
    closed.error_type, closed.error_message = type(error).__name__, _message(error)
    closed.fingerprint = fingerprint(record.name, closed.error_type, str(error))
    return closed


def ask_to_terminate(task_id: str, who: str) -> bool:
    """Ask a running task to end at its next checkpoint; False where it is not running."""
    records.connect()
    request = TaskRecord.terminate.set(f"{who or 'someone'} at {clock.text(clock.now())}")
    return _update(TaskRecord(wire.result_key(task_id)), [request], TaskRecord.status == Status.STARTED.value)


def report_progress(claimed: Claim, done: int, total: int) -> bool:
    """Write how far an attempt is, and read whether it is asked to terminate; False where it was lost."""
    return _update(claimed.record, [TaskRecord.progress.set({"done": done, "total": total})], _mine(claimed))


def note_retry(task_id: str, new_id: str) -> None:
    """Add to a final record the id of the task that tries it again."""
    records.connect()
    record = TaskRecord(wire.result_key(task_id))
    longer = TaskRecord.retried_to.set((TaskRecord.retried_to | []).append([new_id]))
    _update(record, [longer], TaskRecord.id.exists())


def delete(task_id: str) -> None:
    """Remove a final record; raises NotFound or StillActive."""
    record = records.get(task_id)
    try:
        record.delete(condition=TaskRecord.status.is_in(*sorted(FINAL)))
    except DeleteError as error:
        _refused(error)
        raise StillActive(
            f"task {task_id} is {record.status}; only ended tasks can be deleted: revoke it first"
        ) from error


def _held(worker: str, attempt: int) -> Condition:
    started: Condition = TaskRecord.status == Status.STARTED.value
    held: Condition = started & (TaskRecord.worker == worker) & (TaskRecord.attempt == attempt)
    return held


def _mine(claimed: Claim) -> Condition:
    """Holds while the attempt is this worker's own."""
    return _held(str(claimed.record.worker), claimed.attempt)


_FIRST_WRITE = (
    "name", "queue", "args", "kwargs", "created", "name_key", "status_key", "item_id", "requested_by", "retry_of",
    "max_retries", "eta", "expires", "parent_id", "root_id", "group_id", "options",
)  # fmt: skip


def _initial(record: TaskRecord) -> Iterator[tuple[Any, Any]]:
    """The attributes that a record has from its first write on, with their values."""
    for name in _FIRST_WRITE:
        value = getattr(record, name)
        if value is not None:
            yield getattr(TaskRecord, name), value


def _starting(record: TaskRecord, worker: str, lease_ends: float, moment: datetime) -> list[Action]:
    record.worker, record.started = worker, clock.text(moment)
    return [
        TaskRecord.worker.set(worker),
        TaskRecord.started.set(record.started),
        TaskRecord.lease.set(lease_ends),
        TaskRecord.retry_at.remove(),
        TaskRecord.attempt.add(1),
        *_outcome(record, Status.STARTED),
    ]


def _waiting(at: datetime) -> list[Action]:
    return [TaskRecord.retry_at.set(clock.text(at)), TaskRecord.lease.remove()]


def _final(
    record: TaskRecord, target: Status, *, result: Any = None, error: BaseException | None = None
) -> list[Action]:
    moment = clock.now()
    record.done = clock.text(moment)
    actions: list[Action] = [
        TaskRecord.done.set(record.done),
        TaskRecord.status_key.set(records.status_key(record.task_id, target, record.created)),
        TaskRecord.lease.remove(),
        TaskRecord.retry_at.remove(),
        *_outcome(record, target, result=result, error=error),
    ]
    if record.started:
        actions.append(TaskRecord.runtime.set(round((moment - clock.parse(record.started)).total_seconds(), 3)))
    if record.children:
        actions.append(TaskRecord.children.set(record.children))
    if expiry := _expiry(target):
        actions.append(TaskRecord.ttl.set(expiry))
    return actions


def _outcome(
    record: TaskRecord, status: Status, *, result: Any = None, error: BaseException | None = None
) -> list[Action]:
    """Status, Celery's result and the error's attributes."""
    actions: list[Action] = [
        TaskRecord.status.set(status.value),
        TaskRecord.result.set(records.meta(record, status, result=result, error=error)),
        TaskRecord.timestamp.set(int(clock.now().timestamp())),
    ]
    if error is not None:
        kind = type(error).__name__
        actions += [
            TaskRecord.error_type.set(kind),
            TaskRecord.error_message.set(_message(error)),
            TaskRecord.fingerprint.set(fingerprint(record.name, kind, str(error))),
        ]
    elif record.error_type and status is Status.SUCCESS:
        actions += [TaskRecord.error_type.remove(), TaskRecord.error_message.remove(), TaskRecord.fingerprint.remove()]
    return actions


def _message(error: BaseException) -> str:
    return str(error)[:2000] or type(error).__name__


def _expiry(target: Status) -> datetime | None:
    days = settings.retention_days(target.value)
    return None if days is None else clock.now() + timedelta(days=days)


def _with_ended_attempt(record: TaskRecord, moment: datetime, outcome: str, error: str) -> list[dict[str, Any]]:
    ended = {
        "start": record.started,
        "end": clock.text(moment),
        "worker": record.worker,
        "outcome": outcome,
        "error": error[:500],
    }
    return [*(record.attempts or []), ended]


def _update(record: TaskRecord, actions: list[Action], condition: Condition) -> bool:
    """Write, and read the record anew; False where the condition did not hold."""
    try:
        record.update(actions=actions, condition=condition)
    except UpdateError as error:
        return _refused(error)
    return True


def _refused(error: PynamoDBException) -> bool:
    """False for a condition that did not hold; raises Unavailable for anything else."""
    if error.cause_response_code == REFUSED:
        return False
    raise Unavailable(f"the tasks table did not take a write: {error}") from error
