"""One parser for each kind of value that OpenMakerSuite's objects hold: what it takes, everything behind it can use.

They refuse what Django takes and DynamoDB or a calculation does not: half letters, blank names, costs that are no
number, times that leave the calendar in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from makertasks import clock

# What PostgreSQL's `integer` holds, which Django's PositiveIntegerField is.
Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
Hazard = Annotated[int, Meta(ge=0, le=4)]  # NFPA 704

# DynamoDB's keys have at most 1,024 bytes, and a letter has at most four; a UUID has 36 letters.
MAXIMUM_KEY_LETTERS = 200
MAXIMUM_KEY_NUMBER = 2**63 - 1  # Django's BigAutoField

MAXIMUM_COST = Decimal(10) ** 12

_SHOWN_LETTERS = 60

_Kind = TypeVar("_Kind", bound=Struct)


class Text(str):
    """Valid Unicode."""

    __slots__ = ()


class Name(str):
    """Text with at least one letter that is not blank: indexes and cards need one."""

    __slots__ = ()


class Key(str):
    """A primary key as text; OpenMakerSuite counts, other installations may use UUIDs."""

    __slots__ = ()


class Cost(str):
    """A finite amount, not negative, as decimal text."""

    __slots__ = ()


class Moment(str):
    """A time as RFC 3339 writes it, which `clock.parse` reads."""

    __slots__ = ()


def convert(value: Any, kind: type[_Kind]) -> _Kind:
    """A JSON value as `kind`, its texts as plain ones; raises msgspec.ValidationError, which ends with the path."""
    struct = msgspec.convert(value, kind, dec_hook=_decode)
    for name in struct.__struct_fields__:
        if isinstance(text := getattr(struct, name), str):
            setattr(struct, name, str(text))
    return struct


def printable(text: str) -> str:
    """Return text that can be stored and shown: unpaired surrogates are escaped."""
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
        raise ValueError(f"{_shown(value)} is no amount from 0 to {MAXIMUM_COST}")
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
