"""Which failures are temporary, and how long to wait before the next attempt. Pure."""

from __future__ import annotations

import random

from makertasks.aws import errors
from makertasks.errors import TemporaryError, Unavailable

# Maximum `Retry-After` in seconds, a day; a longer one counts as a mistake.
LONGEST_RETRY_AFTER = 86_400.0


def is_passing(error: BaseException) -> bool:
    """Return whether a retry may help: throttling, time-outs, connection errors, a service's own errors."""
    known = isinstance(error, TemporaryError | Unavailable | TimeoutError | ConnectionError)
    return known or errors.is_passing(error)


def wait_before(attempt: int, base: float, cap: float, retry_after: float | None = None) -> float:
    """Return the seconds until the attempt after `attempt`.

    `base` times 2 for each attempt before, at most `cap`, with jitter between half of it and all of it
    (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/), and at least `retry_after`,
    which the server requested.
    """
    longest = min(cap, base * 2.0 ** (attempt - 1))
    jittered = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
    return max(jittered, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
