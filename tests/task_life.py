"""A task's life as a pure state machine, the oracle for `lifecycle` and the conditions of its writes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from makertasks.records.states import Status

# None means "no record": a message that a stock client sent gets its record when it is received.
TRANSITIONS: dict[Status | None, frozenset[Status]] = {
    None: frozenset({Status.PENDING, Status.STARTED, Status.FAILURE, Status.REVOKED}),
    Status.PENDING: frozenset({Status.STARTED, Status.FAILURE, Status.REVOKED}),
    Status.STARTED: frozenset({Status.STARTED, Status.RETRY, Status.SUCCESS, Status.FAILURE, Status.REVOKED}),
    Status.RETRY: frozenset({Status.STARTED, Status.FAILURE, Status.REVOKED}),
    Status.SUCCESS: frozenset(),
    Status.FAILURE: frozenset(),
    Status.REVOKED: frozenset(),
}


@dataclass(frozen=True)
class Life:
    """The part of a task that decides which event may happen next. Times are seconds of one clock."""

    status: Status | None = None
    attempt: int = 0  # started attempts
    holder: str = ""  # worker of the running attempt
    lease_ends: float = 0.0
    retry_at: float = 0.0
    terminate: bool = False  # termination of the running attempt was requested


class Refused(Exception):
    """The event is not allowed in this state; nothing changes."""


def move(life: Life, target: Status) -> Life:
    """The life with another status; raises Refused if that transition is not allowed."""
    if target not in TRANSITIONS[life.status]:
        raise Refused(f"{life.status} may not become {target}")
    return replace(life, status=target)


def claim(life: Life, worker: str, now: float, lease: float) -> Life:
    """A worker claims the task: a due one that waits, or one whose holder's lease has expired."""
    if life.status is Status.STARTED and now < life.lease_ends:
        raise Refused(f"{life.holder} holds the task until its lease ends")
    if life.status is Status.RETRY and now < life.retry_at:
        raise Refused("the next attempt is scheduled for later")
    if life.status is Status.STARTED and life.terminate:
        raise Refused("the task was asked to terminate; nobody takes it over")
    started = move(life, Status.STARTED)
    return replace(started, attempt=life.attempt + 1, holder=worker, lease_ends=now + lease, retry_at=0.0)


def finish(life: Life, target: Status, worker: str, attempt: int, retry_at: float = 0.0) -> Life:
    """The holder ends its own attempt; any other worker is refused, however late it reports.

    A task that was asked to terminate is not retried: its holder revokes it instead.
    """
    if (life.status, life.holder, life.attempt) != (Status.STARTED, worker, attempt):
        raise Refused("the attempt no longer belongs to this worker")
    if target is Status.RETRY and life.terminate:
        raise Refused("the task was asked to terminate")
    return replace(move(life, target), holder="", lease_ends=0.0, retry_at=retry_at)


def release(life: Life, worker: str, attempt: int, retry_at: float = 0.0) -> Life:
    """The holder gives its attempt back, because the task continues in another invocation: it does not count."""
    waiting = finish(life, Status.RETRY, worker, attempt, retry_at)
    return replace(waiting, attempt=attempt - 1)


def ask_to_terminate(life: Life) -> Life:
    """Request that a running task stops at its next checkpoint."""
    if life.status is not Status.STARTED:
        raise Refused(f"{life.status} is not running")
    return replace(life, terminate=True)


def close(life: Life, target: Status, now: float) -> Life:
    """End a task that no worker holds as FAILURE or REVOKED: a waiting one, or one whose holder's lease has expired."""
    if life.status is Status.STARTED and now < life.lease_ends:
        raise Refused(f"{life.holder} is running it; ask it to terminate")
    return replace(move(life, target), holder="", lease_ends=0.0, retry_at=0.0)
