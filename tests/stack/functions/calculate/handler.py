"""Lambda function of `tests.calculate`, which the tests deploy beside the real ones."""

from __future__ import annotations

import time
from typing import Any

from makertasks.context import current
from makertasks.errors import TemporaryError
from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler


@task("tests.calculate", max_retries=2, retry_base=2)
def calculate(value: Any = None, operation: str = "give", amount: int = 0) -> Any:
    """Do something small with a value: give, add, sum, fail, hiccup (fail once), wait (seconds), step (a number)."""
    if operation == "add":
        return value + amount
    if operation == "sum":
        return sum(value)
    if operation == "fail":
        raise ValueError(f"no {value}")
    if operation == "hiccup" and current().attempt == 1:
        raise TemporaryError("not now")
    if operation == "wait":
        time.sleep(amount)
    for number in range(amount if operation == "step" else 0):
        time.sleep(0.1)
        current().checkpoint(number, amount)
    return value


handler = lambda_handler(calculate)
