"""Waiting for a condition instead of a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

# Far above what anything here needs on a slow machine; a test that gets here has failed.
PATIENCE_SECONDS = 60.0


def wait_for(condition: Callable[[], Value], what: str, seconds: float = PATIENCE_SECONDS) -> Value:
    """The condition's first true value; fails, saying for what it waited in vain and what came last."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last: {value!r}")
        time.sleep(0.1)
