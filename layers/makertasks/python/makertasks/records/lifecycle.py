"""Everything that changes a task's status: create, claim, finish, retry, close. `writes` says what each step writes.

Every write is one conditional write whose condition is the state machine's (`states`): who is late, doubled or no
longer the holder is refused by the table itself, never by a read before. All functions raise Unavailable where
DynamoDB refuses or fails; nothing has changed then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from makertasks import clock, wire
from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.errors import MakertasksError, Unavailable
from makertasks.records import failures, unredriven, writes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, WAITING, Status

# Maximum number of re-reads of a record that changes between a read and the following write; each time the task has
# made progress, which it cannot do forever.
LOOKS = 5
# Maximum length of a custom state.
OWN_STATE_CHARACTERS = 100


class StillActive(MakertasksError):
    """An unfinished task cannot be deleted."""


@dataclass(frozen=True)
class Claim:
    """An attempt that this worker holds. `lost_worker` is the worker from which it took over, if any."""

    record: TaskRecord
    attempt: int
    lost_worker: str = ""


def create(record: TaskRecord) -> bool:
    """Write a new record; False if the task already has one, which then does not change."""
    records.connect()
    try:
        with answering("the tasks table could not be written"):
            record.save(condition=TaskRecord.id.does_not_exist())
    except ConditionFailed:
        return False
    return True


def claim(record: TaskRecord, worker: str, lease_ends: float) -> Claim | TaskRecord:
    """Start an attempt of a waiting task that is due, or of one whose holder's lease has ended.

    `record` is what `records.new()` makes of the message: it becomes the task's record if there is none. If the claim
    is refused, returns the existing record. `lease_ends` is in epoch seconds.
    """
    records.connect()
    moment = clock.now()
    free = (
        TaskRecord.status.does_not_exist()
        | (TaskRecord.status == Status.PENDING.value)
        | ((TaskRecord.status == Status.RETRY.value) & (TaskRecord.retry_at <= clock.text(moment)))
    )
    if _update(record, [*writes.first(record), *writes.starting(record, worker, lease_ends, moment)], free):
        return Claim(record, int(record.attempt))
    held = _stored(record.task_id)
    if held.status == Status.STARTED and (held.worker, held.lease) == (worker, lease_ends):
        return Claim(held, int(held.attempt))  # this claim itself, whose response was lost
    if not _is_lost(held, moment) or held.terminate:
        return held
    return _take_over(held, worker, lease_ends, moment)


def _take_over(held: TaskRecord, worker: str, lease_ends: float, moment: datetime) -> Claim | TaskRecord:
    """Start the next attempt of a task whose worker was lost; only one worker's write succeeds."""
    lost, same_holder = held.worker or "", _lost(held, moment)
    ended = writes.ended_attempt(held, moment, "CRASHED", f"{lost} was lost (crash, time-out or out of memory)")
    if _update(held, [ended, *writes.starting(held, worker, lease_ends, moment)], same_holder):
        return Claim(held, int(held.attempt), lost)
    return _stored(held.task_id)


def bring_forward(record: TaskRecord) -> bool:
    """Start a scheduled task, or a task's next attempt, now; False if it has changed meanwhile."""
    records.connect()
    time = TaskRecord.retry_at if record.status == Status.RETRY else TaskRecord.eta
    seen = record.retry_at if record.status == Status.RETRY else record.eta
    unmoved: Condition = (TaskRecord.status == record.status) & (time == seen)
    return _update(record, [time.set(clock.text(clock.now()))], unmoved)


def wait_for_slot(record: TaskRecord, slot: datetime) -> bool:
    """Record until when a waiting task is not overdue, for example by its rate limit; False if it is not waiting."""
    records.connect()
    pending = [
        TaskRecord.status.set(TaskRecord.status | Status.PENDING.value),
        TaskRecord.result.set(TaskRecord.result | record.result),
        TaskRecord.timestamp.set(TaskRecord.timestamp | record.timestamp),
        TaskRecord.attempt.set(TaskRecord.attempt | 0),
    ]
    waits = TaskRecord.status.does_not_exist() | TaskRecord.status.is_in(*sorted(WAITING))
    return _update(record, [*writes.first(record), *pending, TaskRecord.slot.set(clock.text(slot))], waits)


def succeed(claimed: Claim, result: Any, pointer: dict[str, Any] | None = None, *, is_compressed: bool = False) -> bool:
    """End an attempt with its result; False if the attempt is no longer this worker's.

    `is_compressed`: store the result compressed, which Celery 5.7 and later can read.
    """
    actions = writes.final(claimed.record, Status.SUCCESS, result=result, pointer=pointer, is_compressed=is_compressed)
    return _update(claimed.record, actions, _mine(claimed))


def fail(claimed: Claim, error: BaseException) -> bool:
    """End an attempt, and the task, with an error; False if the attempt is no longer this worker's."""
    return _update(claimed.record, writes.final(claimed.record, Status.FAILURE, error=error), _mine(claimed))


def revoke_running(claimed: Claim, reason: BaseException) -> bool:
    """End an attempt because the task was revoked; False if the attempt is no longer this worker's."""
    return _update(claimed.record, writes.final(claimed.record, Status.REVOKED, error=reason), _mine(claimed))


def retry(claimed: Claim, error: BaseException, at: datetime) -> bool:
    """End an attempt; the next may start at `at`.

    False if the attempt is no longer this worker's, or the task's termination was requested.
    """
    record = claimed.record
    said = f"{type(error).__name__}: {failures.message(error)}"
    ended = writes.ended_attempt(record, clock.now(), Status.RETRY.value, said)
    return _update(record, [ended, *writes.waiting(record, at, error)], _mine(claimed) & _not_terminated())


def release(claimed: Claim, state: dict[str, Any], at: datetime) -> bool:
    """Give an attempt back: the task continues with `state` at `at`, and the attempt does not count.

    False if the attempt is no longer this worker's, or the task's termination was requested.
    """
    record = claimed.record
    actions = [TaskRecord.attempt.add(-1), writes.state(state), *writes.waiting(record, at)]
    return _update(record, actions, _mine(claimed) & _not_terminated())


def close(record: TaskRecord, target: Status, error: BaseException) -> bool:
    """End a task that no worker holds as FAILURE or REVOKED; False if it is held or has finished.

    `record` may be new from `records.new()`: if the task has no record yet, this becomes its first and last one.
    """
    records.connect()
    if create(writes.closed(record, target, error)):
        if record.body:
            unredriven.add(unredriven.DeadLetter.of(record))
        return True
    for _ in range(LOOKS):
        stored, moment = _stored(record.task_id), clock.now()
        if stored.status in WAITING:
            unheld: Condition = TaskRecord.status == stored.status
            ended = []
        elif _is_lost(stored, moment):
            unheld = _lost(stored, moment)
            ended = [
                writes.ended_attempt(
                    stored, moment, "CRASHED", f"{stored.worker} was lost (crash, time-out or out of memory)"
                )
            ]
        else:
            return False
        if _update(stored, [*ended, *writes.final(stored, target, error=error)], unheld):
            return True
    return False


def ask_to_terminate(task_id: str, who: str) -> bool:
    """Request a running task's termination at its next checkpoint; False if it is not running."""
    records.connect()
    request = TaskRecord.terminate.set(f"{who or 'someone'} at {clock.text(clock.now())}")
    return _update(TaskRecord(wire.result_key(task_id)), [request], TaskRecord.status == Status.STARTED.value)


def report_progress(claimed: Claim, done: int, total: int) -> bool:
    """Write an attempt's progress, and read whether its termination was requested; False if it was lost."""
    return _update(claimed.record, [TaskRecord.progress.set({"done": done, "total": total})], _mine(claimed))


def show_state(claimed: Claim, state: str, value: Any) -> bool:
    """Record a running task's custom state; False if the attempt was lost."""
    meta = {**wire.parse_result_meta(claimed.record.result), "status": state, "result": value}
    actions = [
        TaskRecord.result.set(wire.dump_value(meta, compact=True).encode()),
        TaskRecord.own_state.set(str(wire.plain(state))[:OWN_STATE_CHARACTERS]),
    ]
    return _update(claimed.record, actions, _mine(claimed))


def keep_state(claimed: Claim, state: dict[str, Any]) -> bool:
    """Write the state with which the next attempt continues if this one crashes; False if it was lost."""
    return _update(claimed.record, [writes.state(state)], _mine(claimed))


def note_retry(ended: TaskRecord, new_id: str) -> None:
    """Add the id of a retry to a final record."""
    records.connect()
    record = TaskRecord(ended.id)
    longer = TaskRecord.retried_to.set((TaskRecord.retried_to | []).append([new_id]))
    _update(record, [longer], TaskRecord.id.exists() & ~TaskRecord.retried_to.contains(new_id))
    if ended.body:
        unredriven.discard(unredriven.DeadLetter.of(ended))


def note_requeue(record: TaskRecord) -> bool:
    """Record that a seemingly lost message was resent; False if the task has changed meanwhile."""
    seen = TaskRecord.requeues.does_not_exist() if record.requeues is None else TaskRecord.requeues == record.requeues
    unmoved = seen & (TaskRecord.status == record.status) & (TaskRecord.attempt == record.attempt)
    actions = [TaskRecord.requeues.add(1), TaskRecord.requeued.set(clock.text(clock.now()))]
    return _update(record, actions, unmoved)


def delete(task_id: str) -> None:
    """Delete a final record; raises NotFound or StillActive."""
    record = records.get(task_id)
    try:
        with answering("the tasks table could not be written"):
            record.delete(condition=TaskRecord.status.is_in(*sorted(FINAL)))
    except ConditionFailed as error:
        status = records.get(task_id).status  # NotFound if it was just deleted
        raise StillActive(f"task {task_id} is {status}; only finished tasks can be deleted: revoke it first") from error
    if record.body:
        unredriven.discard(unredriven.DeadLetter.of(record))


def _stored(task_id: str) -> TaskRecord:
    """Return the record that a condition has just protected, even if it has expired."""
    record = records.stored(task_id)
    if record is None:
        raise Unavailable(f"the record of task {task_id} was just deleted")
    return record


def _is_lost(record: TaskRecord, moment: datetime) -> bool:
    """Return whether a record's lease has ended."""
    return record.status == Status.STARTED and (record.lease is None or record.lease <= moment.timestamp())


def _lost(record: TaskRecord, moment: datetime) -> Condition:
    """Condition: the record's attempt has not changed, and its lease has ended."""
    held = _held(record.worker or "", int(record.attempt))
    ended: Condition = held & (TaskRecord.lease.does_not_exist() | (TaskRecord.lease <= moment.timestamp()))
    return ended


def _held(worker: str, attempt: int) -> Condition:
    started: Condition = TaskRecord.status == Status.STARTED.value
    held: Condition = started & (TaskRecord.worker == worker) & (TaskRecord.attempt == attempt)
    return held


def _mine(claimed: Claim) -> Condition:
    """Condition: the attempt is still this worker's."""
    return _held(str(claimed.record.worker), claimed.attempt)


def _not_terminated() -> Condition:
    condition: Condition = TaskRecord.terminate.does_not_exist()
    return condition


def _update(record: TaskRecord, actions: Sequence[Action], condition: Condition) -> bool:
    """Write, and refresh the record; False if the condition failed."""
    try:
        with answering("the tasks table could not be written"):
            record.update(actions=list(actions), condition=condition)
    except ConditionFailed:
        return False
    return True
