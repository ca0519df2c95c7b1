"""Lambda function of `tests.unlock`, which the tests deploy beside the real ones: a task with a secret."""

from __future__ import annotations

import hashlib
from typing import Any

from aws_lambda_powertools import Logger

from makertasks.errors import PermanentError
from makertasks.tasks import Secret, task
from makertasks.worker.handler import lambda_handler

logger = Logger(child=True)


@task("tests.unlock")
def unlock(door: str, pin: Secret, jammed: bool = False) -> dict[str, Any]:
    """Open a door; the result shows that the secret arrived without revealing it."""
    logger.info("unlocking", door=door)
    if jammed:
        raise PermanentError(f"{door} is jammed: https://ann:{pin}@doors.example/ said no")
    return {"door": door, "digest": hashlib.sha256(pin.encode()).hexdigest()}


handler = lambda_handler(unlock)
