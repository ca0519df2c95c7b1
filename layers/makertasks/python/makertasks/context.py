"""What a running task can find out and report: its remaining time, its progress, and that it needs another invocation.

context = current()
for done, item in enumerate(items):
    context.checkpoint(done, len(items))
    …
    if context.remaining() < 10:
        raise Continue({"next": done + 1})
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from makertasks.errors import TaskError


class Continue(TaskError):
    """Raised by a task that runs out of time: it continues in another invocation, which is not a new attempt.

    `state` is JSON of at most 100 KB; the task's record keeps it for the next invocation, in `current().state`.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        """`state` is what the next invocation needs to continue."""
        super().__init__("continues in another invocation")
        self.state = state


@dataclass
class Context:
    """One attempt of one task."""

    task_id: str
    attempt: int = 1
    requested: str = ""  # time of the request, as `clock.text` writes it; empty where it was not recorded
    deadline: float = field(default_factory=lambda: time.monotonic() + 900)  # time.monotonic() seconds
    state: dict[str, Any] = field(default_factory=dict)
    generation: int = 0  # how many tasks came before, each sent on behalf of the last
    report: Callable[[int, int], None] = lambda _done, _total: None
    keep: Callable[[dict[str, Any]], None] = lambda _state: None

    def remaining(self) -> float:
        """Seconds until the task must have finished."""
        return self.deadline - time.monotonic()

    def checkpoint(self, done: int, total: int) -> None:
        """Report progress; a task revoked with `terminate` stops here. Cheap enough for every round of a loop."""
        self.report(done, total)

    def save(self, state: dict[str, Any]) -> None:
        """Keep `state` (JSON of at most 100 KB) for the next attempt, in case the worker of this one is lost."""
        self.state = state
        self.keep(state)


_current: ContextVar[Context | None] = ContextVar("makertasks_context", default=None)


def current() -> Context:
    """The running task's context; outside of a task (a test, a console) one that has 15 minutes and reports nowhere."""
    return _current.get() or Context(task_id="")


@contextmanager
def running(context: Context) -> Iterator[Context]:
    """Make `context` the current one while a task runs."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
