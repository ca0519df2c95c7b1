"""Which failures pass by themselves, and how long to wait before the next attempt. Pure."""

from __future__ import annotations

import random

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from pynamodb.exceptions import PynamoDBException

from makertasks.errors import PassingError, Unavailable

# Error codes by which AWS services say "later": https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
PASSING_CODES = frozenset({
    "InternalError", "InternalFailure", "InternalServerError", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestTimeout",
    "RequestTimeoutException", "ServiceUnavailable", "ServiceUnavailableException", "SlowDown", "Throttling",
    "ThrottlingException", "ThrottledException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
SERVER_ERROR = 500
# A pause that the other side asks for is kept up to a day, in seconds; a longer one is taken for a mistake.
LONGEST_RETRY_AFTER = 86_400.0


def is_passing(error: BaseException) -> bool:
    """Whether trying again later may help: throttling, time-outs, connections, a service's own errors."""
    if isinstance(error, PassingError | Unavailable | HTTPClientError | TimeoutError | ConnectionError):
        return True
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"].get("Code") in PASSING_CODES or status >= SERVER_ERROR
    if isinstance(error, PynamoDBException):
        return error.cause is not None and is_passing(error.cause)
    return isinstance(error, BotoCoreError) and isinstance(error.__cause__, ConnectionError | TimeoutError)


def wait_before(attempt: int, base: float, cap: float, retry_after: float | None = None) -> float:
    """Seconds until the attempt after `attempt`.

    `base` times 2 for each attempt before, at most `cap`, with jitter between half of it and all of it
    (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/), and never less than the other
    side asked for in `retry_after`.
    """
    longest = min(cap, base * 2.0 ** (attempt - 1))
    jittered = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
    return max(jittered, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
