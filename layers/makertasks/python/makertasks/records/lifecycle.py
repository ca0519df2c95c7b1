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
from makertasks.records import failures, letters, writes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, WAITING, Status

# A record that changes between a read and the write that follows it is read again so often; each time something else
# has moved the task on, which a task cannot do for long.
LOOKS = 5
# Characters shown of a state of a task's own making.
OWN_STATE_CHARACTERS = 100


class StillActive(MakertasksError):
    """A task that has not ended cannot be deleted."""


@dataclass(frozen=True)
class Claim:
    """An attempt that this worker holds. `lost_worker` is the lost one that it took over from, if any."""

    record: TaskRecord
    attempt: int
    lost_worker: str = ""


def create(record: TaskRecord) -> bool:
    """Write a new record; False where the task has one already, which then stays as it is."""
    records.connect()
    try:
        with answering("the tasks table did not take a write"):
            record.save(condition=TaskRecord.id.does_not_exist())
    except ConditionFailed:
        return False
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
    if _update(record, [*writes.first(record), *writes.starting(record, worker, lease_ends, moment)], free):
        return Claim(record, int(record.attempt))
    held = _stored(record.task_id)
    if held.status == Status.STARTED and (held.worker, held.lease) == (worker, lease_ends):
        return Claim(held, int(held.attempt))  # this claim itself, whose answer got lost on the way
    if not _is_lost(held, moment) or held.terminate:
        return held
    return _take_over(held, worker, lease_ends, moment)


def _take_over(held: TaskRecord, worker: str, lease_ends: float, moment: datetime) -> Claim | TaskRecord:
    """Begin the next attempt of a task whose worker was lost; the table lets one worker through."""
    lost, same_holder = held.worker or "", _lost(held, moment)
    ended = writes.ended_attempt(held, moment, "CRASHED", f"{lost} was lost (crash, time-out or out of memory)")
    if _update(held, [ended, *writes.starting(held, worker, lease_ends, moment)], same_holder):
        return Claim(held, int(held.attempt), lost)
    return _stored(held.task_id)


def bring_forward(record: TaskRecord) -> bool:
    """Let a scheduled task, or the next attempt of one, begin now; False if it has moved on meanwhile."""
    records.connect()
    time = TaskRecord.retry_at if record.status == Status.RETRY else TaskRecord.eta
    seen = record.retry_at if record.status == Status.RETRY else record.eta
    unmoved: Condition = (TaskRecord.status == record.status) & (time == seen)
    return _update(record, [time.set(clock.text(clock.now()))], unmoved)


def wait_for_slot(record: TaskRecord, slot: datetime) -> bool:
    """Note until when a waiting task is not overdue, as its rate limit does; False where it is not waiting."""
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
    """End an attempt with its result; False where the attempt is not this worker's any more.

    `is_compressed`: the result is kept compressed, as Celery 5.7 and later can read it.
    """
    actions = writes.final(claimed.record, Status.SUCCESS, result=result, pointer=pointer, is_compressed=is_compressed)
    return _update(claimed.record, actions, _mine(claimed))


def fail(claimed: Claim, error: BaseException) -> bool:
    """End an attempt, and the task, with an error; False where the attempt is not this worker's any more."""
    return _update(claimed.record, writes.final(claimed.record, Status.FAILURE, error=error), _mine(claimed))


def revoke_running(claimed: Claim, reason: BaseException) -> bool:
    """End an attempt because the task was revoked; False where the attempt is not this worker's any more."""
    return _update(claimed.record, writes.final(claimed.record, Status.REVOKED, error=reason), _mine(claimed))


def retry(claimed: Claim, error: BaseException, at: datetime) -> bool:
    """End an attempt; the next may begin at `at`.

    False where the attempt is not this worker's any more, or the task was asked to terminate.
    """
    record = claimed.record
    said = f"{type(error).__name__}: {failures.message(error)}"
    ended = writes.ended_attempt(record, clock.now(), Status.RETRY.value, said)
    return _update(record, [ended, *writes.waiting(record, at, error)], _mine(claimed) & _not_terminated())


def release(claimed: Claim, state: dict[str, Any], at: datetime) -> bool:
    """Give an attempt back: the task goes on with `state` at `at`, and the attempt does not count.

    False where the attempt is not this worker's any more, or the task was asked to terminate.
    """
    record = claimed.record
    actions = [TaskRecord.attempt.add(-1), writes.state(state), *writes.waiting(record, at)]
    return _update(record, actions, _mine(claimed) & _not_terminated())


def close(record: TaskRecord, target: Status, error: BaseException) -> bool:
    """End a task that no worker holds as FAILURE or REVOKED; False where it is held or has ended.

    `record` may be fresh from `records.new()`: where the task has no record yet, this becomes its first and last.
    """
    records.connect()
    if create(writes.closed(record, target, error)):
        if record.body:
            letters.add(letters.Letter.of(record))
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
    """Ask a running task to end at its next checkpoint; False where it is not running."""
    records.connect()
    request = TaskRecord.terminate.set(f"{who or 'someone'} at {clock.text(clock.now())}")
    return _update(TaskRecord(wire.result_key(task_id)), [request], TaskRecord.status == Status.STARTED.value)


def report_progress(claimed: Claim, done: int, total: int) -> bool:
    """Write how far an attempt is, and read whether it is asked to terminate; False where it was lost."""
    return _update(claimed.record, [TaskRecord.progress.set({"done": done, "total": total})], _mine(claimed))


def show_state(claimed: Claim, state: str, value: Any) -> bool:
    """Show a state of a task's own making while it runs; False where the attempt was lost."""
    meta = {**wire.parse_result_meta(claimed.record.result), "status": state, "result": value}
    actions = [
        TaskRecord.result.set(wire.dump_value(meta, compact=True).encode()),
        TaskRecord.own_state.set(str(wire.plain(state))[:OWN_STATE_CHARACTERS]),
    ]
    return _update(claimed.record, actions, _mine(claimed))


def keep_state(claimed: Claim, state: dict[str, Any]) -> bool:
    """Write the state that a next attempt continues with, should this one crash; False where it was lost."""
    return _update(claimed.record, [writes.state(state)], _mine(claimed))


def note_retry(ended: TaskRecord, new_id: str) -> None:
    """Add to a final record the id of the task that tries it again."""
    records.connect()
    record = TaskRecord(ended.id)
    longer = TaskRecord.retried_to.set((TaskRecord.retried_to | []).append([new_id]))
    _update(record, [longer], TaskRecord.id.exists() & ~TaskRecord.retried_to.contains(new_id))
    if ended.body:
        letters.discard(letters.Letter.of(ended))


def note_requeue(record: TaskRecord) -> bool:
    """Note that a message was sent in place of one that seems lost; False where the task has moved on meanwhile."""
    seen = TaskRecord.requeues.does_not_exist() if record.requeues is None else TaskRecord.requeues == record.requeues
    unmoved = seen & (TaskRecord.status == record.status) & (TaskRecord.attempt == record.attempt)
    actions = [TaskRecord.requeues.add(1), TaskRecord.requeued.set(clock.text(clock.now()))]
    return _update(record, actions, unmoved)


def delete(task_id: str) -> None:
    """Remove a final record; raises NotFound or StillActive."""
    record = records.get(task_id)
    try:
        with answering("the tasks table did not take a write"):
            record.delete(condition=TaskRecord.status.is_in(*sorted(FINAL)))
    except ConditionFailed as error:
        status = records.get(task_id).status  # NotFound where somebody else has just deleted it
        raise StillActive(f"task {task_id} is {status}; only ended tasks can be deleted: revoke it first") from error
    if record.body:
        letters.discard(letters.Letter.of(record))


def _stored(task_id: str) -> TaskRecord:
    """The record that a condition has just refused to touch, be it expired."""
    record = records.stored(task_id)
    if record is None:
        raise Unavailable(f"the record of task {task_id} was removed just now")
    return record


def _is_lost(record: TaskRecord, moment: datetime) -> bool:
    """Whether a record's holder has let its lease end."""
    return record.status == Status.STARTED and (record.lease is None or record.lease <= moment.timestamp())


def _lost(record: TaskRecord, moment: datetime) -> Condition:
    """Holds while the record's attempt is the one that was seen, and its lease has ended."""
    held = _held(record.worker or "", int(record.attempt))
    ended: Condition = held & (TaskRecord.lease.does_not_exist() | (TaskRecord.lease <= moment.timestamp()))
    return ended


def _held(worker: str, attempt: int) -> Condition:
    started: Condition = TaskRecord.status == Status.STARTED.value
    held: Condition = started & (TaskRecord.worker == worker) & (TaskRecord.attempt == attempt)
    return held


def _mine(claimed: Claim) -> Condition:
    """Holds while the attempt is this worker's own."""
    return _held(str(claimed.record.worker), claimed.attempt)


def _not_terminated() -> Condition:
    condition: Condition = TaskRecord.terminate.does_not_exist()
    return condition


def _update(record: TaskRecord, actions: Sequence[Action], condition: Condition) -> bool:
    """Write, and read the record anew; False where the condition did not hold."""
    try:
        with answering("the tasks table did not take a write"):
            record.update(actions=list(actions), condition=condition)
    except ConditionFailed:
        return False
    return True
