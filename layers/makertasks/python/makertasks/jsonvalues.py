"""JSON values between Python and DynamoDB."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


def plain(value: Any) -> Any:
    """The value as plain JSON types: UUIDs, times and decimals become text."""
    return msgspec.to_builtins(value, str_keys=True)


def to_decimal(value: Any) -> Any:
    """The value with every float as the Decimal that DynamoDB wants."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: to_decimal(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [to_decimal(entry) for entry in value]
    return value


def from_decimal(value: Any) -> Any:
    """The value with every Decimal as int or float."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: from_decimal(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [from_decimal(entry) for entry in value]
    return value
