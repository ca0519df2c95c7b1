"""A task's life as a pure state machine: what `lifecycle` and the conditions of its writes are compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from makertasks.records.states import Status

# None stands for "no record": a message that no producer of ours recorded begins its record where it is met.
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
    """What of a task decides which event may happen next. Times are seconds of one clock."""

    status: Status | None = None
    attempt: int = 0  # attempts begun
    holder: str = ""  # worker of the running attempt
    lease_ends: float = 0.0
    retry_at: float = 0.0
    terminate: bool = False  # the running attempt was asked to end


class Refused(Exception):
    """The event may not happen to a task in this state; nothing changes."""


def move(life: Life, target: Status) -> Life:
    """The life with another status; raises Refused where that may not follow."""
    if target not in TRANSITIONS[life.status]:
        raise Refused(f"{life.status} may not become {target}")
    return replace(life, status=target)


def claim(life: Life, worker: str, now: float, lease: float) -> Life:
    """A worker takes the task: a waiting one whose time has come, or one whose holder's lease has ended."""
    if life.status is Status.STARTED and now < life.lease_ends:
        raise Refused(f"{life.holder} holds the task until its lease ends")
    if life.status is Status.RETRY and now < life.retry_at:
        raise Refused("the next attempt's time has not come")
    if life.status is Status.STARTED and life.terminate:
        raise Refused("the task was asked to terminate; nobody takes it over")
    started = move(life, Status.STARTED)
    return replace(started, attempt=life.attempt + 1, holder=worker, lease_ends=now + lease, retry_at=0.0)


def finish(life: Life, target: Status, worker: str, attempt: int, retry_at: float = 0.0) -> Life:
    """The holder ends its own attempt; anybody else is refused, however late its answer comes.

    A task that was asked to terminate is not tried again: its holder revokes it instead.
    """
    if (life.status, life.holder, life.attempt) != (Status.STARTED, worker, attempt):
        raise Refused("the attempt is not this worker's any more")
    if target is Status.RETRY and life.terminate:
        raise Refused("the task was asked to terminate")
    return replace(move(life, target), holder="", lease_ends=0.0, retry_at=retry_at)


def release(life: Life, worker: str, attempt: int, retry_at: float = 0.0) -> Life:
    """The holder gives its attempt back, because the task goes on in another invocation: it does not count."""
    waiting = finish(life, Status.RETRY, worker, attempt, retry_at)
    return replace(waiting, attempt=attempt - 1)


def ask_to_terminate(life: Life) -> Life:
    """Ask a running task to end at its next checkpoint."""
    if life.status is not Status.STARTED:
        raise Refused(f"{life.status} is not running")
    return replace(life, terminate=True)


def close(life: Life, target: Status, now: float) -> Life:
    """End a task that no worker holds as FAILURE or REVOKED: one that waits, or one whose holder's lease has ended."""
    if life.status is Status.STARTED and now < life.lease_ends:
        raise Refused(f"{life.holder} is running it; ask it to terminate")
    return replace(move(life, target), holder="", lease_ends=0.0, retry_at=0.0)
