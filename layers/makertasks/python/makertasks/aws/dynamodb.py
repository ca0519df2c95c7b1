"""What PynamoDB's errors say of DynamoDB's answer."""

from __future__ import annotations

from botocore.exceptions import ClientError
from pynamodb.exceptions import PynamoDBException


def code_of(error: PynamoDBException) -> str:
    """DynamoDB's error code; empty where no answer came (a connection that broke, a time-out).

    PynamoDB's own `cause_response_code` fails with an AttributeError there.
    """
    return str(error.cause.response["Error"].get("Code", "")) if isinstance(error.cause, ClientError) else ""


def is_refused(error: PynamoDBException) -> bool:
    """Whether a write did nothing because its condition did not hold."""
    return code_of(error) == "ConditionalCheckFailedException"
