"""JSON values between Python and DynamoDB; `wire.plain` makes any value JSON."""

from __future__ import annotations

from decimal import Decimal, DecimalException
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT

# DynamoDB's maximum nesting of lists and maps in one attribute is 32.
MAXIMUM_DEPTH = 30
# From here on, floats cannot represent every whole number.
EXACT_FLOATS = 2.0**53


def to_decimal(value: Any) -> Any:
    """Return the value with every float as the Decimal that DynamoDB requires."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: to_decimal(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [to_decimal(entry) for entry in value]
    return value


def from_decimal(value: Any) -> Any:
    """Return the value with every Decimal as int or float."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: from_decimal(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [from_decimal(entry) for entry in value]
    return value


def fits_table(value: Any, depth: int = MAXIMUM_DEPTH) -> bool:
    """Return whether DynamoDB can hold a JSON value exactly: within its nesting and its 38 digits.

    >>> fits_table({"a": [1, 2.5]}), fits_table(float("inf")), fits_table(10**40 + 1)
    (True, False, False)
    """
    if isinstance(value, dict):
        return depth > 0 and all(
            isinstance(key, str) and _is_unicode(key) and fits_table(entry, depth - 1) for key, entry in value.items()
        )
    if isinstance(value, list | tuple):
        return depth > 0 and all(fits_table(entry, depth - 1) for entry in value)
    if isinstance(value, float) and abs(value) >= EXACT_FLOATS:
        return False  # it would be read as a different whole number
    if isinstance(value, float | int) and not isinstance(value, bool):
        try:
            return DYNAMODB_CONTEXT.create_decimal(repr(value)).is_finite()
        except (DecimalException, ValueError):
            return False
    return value is None or isinstance(value, bool) or (isinstance(value, str) and _is_unicode(value))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # an unpaired surrogate
        return False
    return True
