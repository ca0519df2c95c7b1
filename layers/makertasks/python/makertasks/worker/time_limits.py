"""Time limits of a running task, by the process's interval timer.

The soft limit raises SoftTimeLimitExceeded inside the task, which may catch it and clean up; the hard limit raises
TimeLimitExceeded, which no `except Exception` stops. Both are reached before Lambda ends the function, so that the
outcome can still be recorded.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class SoftTimeLimitExceeded(Exception):
    """The task ran longer than its soft time limit."""


class TimeLimitExceeded(BaseException):
    """The task ran longer than its hard time limit; a BaseException, so that no task swallows it."""


@contextmanager
def time_limits(
    soft: float | None, hard: float, hard_reason: str, *, soft_error: Callable[[str], Exception] = SoftTimeLimitExceeded
) -> Iterator[None]:
    """Raise in the body when `soft` or `hard` seconds have passed; only in a process's main thread.

    `hard_reason` names the hard limit ("the task's time limit", "the remainder of the function's time-out");
    `soft_error` makes the exception that is raised at the soft one.
    """
    running = True
    stages: list[tuple[float, BaseException]] = [(hard, TimeLimitExceeded(f"stopped after {hard:g} s: {hard_reason}"))]
    if soft is not None and soft < hard:
        stages.insert(0, (soft, soft_error(f"stopped after {soft:g} s: the task's soft time limit")))

    def strike(_number: int, _frame: FrameType | None) -> None:
        if not running:
            return
        _, error = stages.pop(0)
        if stages:
            signal.setitimer(signal.ITIMER_REAL, max(stages[0][0] - (soft or 0), 0.001))
        raise error

    before = signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, max(stages[0][0], 0.001))
    try:
        yield
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
