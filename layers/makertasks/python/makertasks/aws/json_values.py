"""JSON values between Python and DynamoDB; `wire.plain` makes any value JSON."""

from __future__ import annotations

from decimal import Clamped, Context, Decimal, DecimalException, Inexact, Overflow, Rounded, Underflow
from typing import Any

# DynamoDB's numbers: 38 digits, 1E-130 to 9.9E+125. Others raise DecimalException, and are not rounded.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
NUMBERS = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])
# DynamoDB's maximum nesting of lists and maps in one attribute is 32.
MAXIMUM_DEPTH = 30
# From here on, floats cannot represent every whole number.
EXACT_FLOATS = 2.0**53


def to_typed(value: Any) -> dict[str, Any]:
    """Return a JSON value in DynamoDB's typed form; raises TypeError for others, and DecimalException.

    >>> to_typed({"a": [1, 2.5, None, True]})
    {'M': {'a': {'L': [{'N': '1'}, {'N': '2.5'}, {'NULL': True}, {'BOOL': True}]}}}
    """
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case int() | float():
            number = NUMBERS.create_decimal(repr(value))
            if not number.is_finite():
                raise TypeError(f"DynamoDB has no number {value}")
            return {"N": str(number)}
        case dict():
            return {"M": {key: to_typed(entry) for key, entry in value.items()}}
        case list() | tuple():
            return {"L": [to_typed(entry) for entry in value]}
    raise TypeError(f"{type(value).__name__} is not a type of JSON")


def from_typed(typed: dict[str, Any]) -> Any:
    """Return the JSON value of DynamoDB's typed form.

    >>> from_typed({"M": {"a": {"L": [{"N": "1"}, {"N": "2.5"}, {"NULL": True}, {"BOOL": True}]}}})
    {'a': [1, 2.5, None, True]}
    """
    [(kind, value)] = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return from_decimal(Decimal(value))
        case "NULL":
            return None
        case "M":
            return {key: from_typed(entry) for key, entry in value.items()}
        case "L":
            return [from_typed(entry) for entry in value]
    raise TypeError(f"{kind} is not a type of JSON")


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
            return NUMBERS.create_decimal(repr(value)).is_finite()
        except (DecimalException, ValueError):
            return False
    return value is None or isinstance(value, bool) or (isinstance(value, str) and _is_unicode(value))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # an unpaired surrogate
        return False
    return True
