"""Lambda function of `tests.chaos`, which the tests deploy beside the real ones."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from makertasks.aws import bucket
from makertasks.context import current
from makertasks.errors import PermanentError, TemporaryError
from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler

FOLDER = "inventory/qrcodes/effects/"


@task("tests.chaos", max_retries=8, retry_base=0.2)
def chaos(number: int, faults: list[str]) -> dict[str, Any]:
    """Leave one object in the bucket; attempt n first suffers the n-th of `faults`, if there is one.

    `crash` and `hang` end the function before the object is written, `crash-late` and `hang-late` after it.
    """
    attempt = current().attempt
    fault = faults[attempt - 1] if attempt <= len(faults) else "none"
    suffer(fault)
    key = f"{FOLDER}{number}"
    bucket.put(key, str(number).encode(), "text/plain")
    suffer(fault.removesuffix("-late"))
    return {"key": key}


def suffer(fault: str) -> None:
    """End the process, hang beyond every limit, or raise."""
    match fault:
        case "crash":
            os._exit(1)
        case "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # our own time limit cannot help any more
            time.sleep(3600)
        case "pass":
            raise TemporaryError("not now")
        case "fail":
            raise PermanentError("never")


handler = lambda_handler(chaos)
