"""Waiting for a condition instead of a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
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


def to_its_end(call: Callable[[], Value], seconds: float = PATIENCE_SECONDS) -> Value:
    """What a call returns or raises, where it might never end; fails then."""
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
