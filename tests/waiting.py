"""Waiting for a condition instead of a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Value = TypeVar("Value")

# Far more than any condition needs on a slow machine; a test that waits this long has failed.
PATIENCE_SECONDS = 60.0


def wait_for(condition: Callable[[], Value], what: str, seconds: float = PATIENCE_SECONDS) -> Value:
    """Return the condition's first true value; fails with a description and the last value if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last: {value!r}")
        time.sleep(0.1)


def to_its_end(call: Callable[[], Value], seconds: float = PATIENCE_SECONDS) -> Value:
    """Return or raise what a call does; fails if it does not end in time."""
    outcome: Future[Value] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        if outcome.done():
            raise  # the call's own
        raise AssertionError(f"the call did not end within {seconds:g} s") from None
