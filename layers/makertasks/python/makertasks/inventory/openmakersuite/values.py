"""One type for each kind of value in OpenMakerSuite's objects: values that pass are safe for all later steps.

They refuse values that Django accepts but DynamoDB or a calculation does not: unpaired surrogates, blank names, costs
that are not numbers, times that are outside the calendar in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from makertasks import clock

# The maximum of PostgreSQL's `integer`, the type of Django's PositiveIntegerField.
Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
Hazard = Annotated[int, Meta(ge=0, le=4)]  # NFPA 704

# DynamoDB's sort keys have at most 1,024 bytes, a character at most four; a UUID has 36 characters.
MAXIMUM_KEY_LETTERS = 200
MAXIMUM_KEY_NUMBER = 2**63 - 1  # Django's BigAutoField

MAXIMUM_COST = Decimal(10) ** 12

_SHOWN_LETTERS = 60

_Kind = TypeVar("_Kind", bound=Struct)


class Text(str):
    """Valid Unicode."""

    __slots__ = ()


class Name(str):
    """Text with at least one non-blank character, as indexes and cards need it."""

    __slots__ = ()


class Key(str):
    """A primary key as text: OpenMakerSuite uses numbers, other installations may use UUIDs."""

    __slots__ = ()


class Cost(str):
    """A finite, non-negative amount as decimal text."""

    __slots__ = ()


class Moment(str):
    """An RFC 3339 time that `clock.parse` can read."""

    __slots__ = ()


def convert(value: Any, kind: type[_Kind]) -> _Kind:
    """Convert a JSON value to `kind`, with texts as `str`; raises msgspec.ValidationError, which ends with the path."""
    struct = msgspec.convert(value, kind, dec_hook=_decode)
    for name in struct.__struct_fields__:
        if isinstance(text := getattr(struct, name), str):
            setattr(struct, name, str(text))
    return struct


def printable(text: str) -> str:
    """Return text that can be stored and displayed: unpaired surrogates are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _decode(kind: type, value: Any) -> Any:
    if kind is Key and isinstance(value, int) and not isinstance(value, bool):
        return _number(value)
    if kind is Cost and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        expected = "`int | str`" if kind is Key else "`str`"
        raise TypeError(f"expected {expected}, got `{'null' if value is None else type(value).__name__}`")
    if printable(value) != value:
        raise ValueError("contains an unpaired surrogate; correct the text")
    return kind(_CHECKS[kind](value))


def _number(value: int) -> Key:
    if abs(value) > MAXIMUM_KEY_NUMBER:
        raise ValueError(f"{_shown(str(value))} is larger than a primary key can be")
    return Key(value)


def _key(value: str) -> str:
    if not value.strip():
        raise ValueError("blank; give the object a primary key")
    if len(value) > MAXIMUM_KEY_LETTERS:
        raise ValueError(f"{len(value)} characters; a primary key has at most {MAXIMUM_KEY_LETTERS}")
    return value


def _name(value: str) -> str:
    if not value.strip():
        raise ValueError("blank; give the object a name")
    return value


def _cost(value: str) -> str:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= MAXIMUM_COST:
        raise ValueError(f"{_shown(value)} is not an amount from 0 to {MAXIMUM_COST}")
    return str(amount)


def _moment(value: str) -> str:
    try:
        msgspec.convert(value, datetime)
        clock.parse(value)
    except (msgspec.ValidationError, ValueError):
        raise ValueError(f"{_shown(value)} is not a time such as 2026-11-25T18:00:00Z") from None
    return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN_LETTERS else f"{value[:_SHOWN_LETTERS]}…")


_CHECKS: dict[type, Callable[[str], str]] = {Text: str, Name: _name, Key: _key, Cost: _cost, Moment: _moment}
