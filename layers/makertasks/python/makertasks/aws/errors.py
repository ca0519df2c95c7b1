"""The mapping of AWS's errors to this package's, for all calls to AWS.

    with asking("the queue orders refused the message"):
        client("sqs").send_message(…)

raises Unavailable("the queue orders refused the message: …") if AWS returns an error or does not respond.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from makertasks.errors import MakertasksError, Unavailable

# Everything that boto3 raises.
BOTO3_ERRORS = (Boto3Error, BotoCoreError, ClientError)

# AWS services' error codes for "retry later":
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
PASSING_CODES = frozenset({
    "InternalError", "InternalFailure", "InternalServerError", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestTimeout",
    "RequestTimeoutException", "ServiceUnavailable", "ServiceUnavailableException", "SlowDown", "Throttling",
    "ThrottlingException", "ThrottledException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
SERVER_ERROR = 500


class Answered(Exception):
    """AWS returned an error code that the caller expects."""

    def __init__(self, code: str) -> None:
        """`code` is AWS's own."""
        super().__init__(code)
        self.code = code


@contextmanager
def asking(what: str, *expected: str, raises: type[MakertasksError] = Unavailable) -> Iterator[None]:
    """Call AWS in the body; raises `raises("{what}: {AWS's reason}")` if it fails, Answered for an `expected` code."""
    try:
        yield
    except ClientError as error:
        code = str(error.response["Error"].get("Code", ""))
        if code in expected or code.rpartition(".")[2] in expected:
            raise Answered(code) from error
        raise raises(f"{what}: {error}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise raises(f"{what}: {error}") from error


def is_passing(error: BaseException) -> bool:
    """Return whether a retry may help: throttling, time-outs, connection errors, a service's own errors."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"].get("Code") in PASSING_CODES or status >= SERVER_ERROR
    if isinstance(error, BotoCoreError):
        return isinstance(error, HTTPClientError) or isinstance(error.__cause__, ConnectionError | TimeoutError)
    cause = getattr(error, "cause", None)  # PynamoDB keeps botocore's error there
    return isinstance(cause, Exception) and is_passing(cause)
