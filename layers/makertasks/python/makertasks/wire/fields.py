"""Validation of an envelope's fields: every function returns a value of its type or raises Malformed.

Absent fields are None, and each function returns None for None unless it says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from makertasks.wire.values import Malformed, shown

# Maximum UTF-8 bytes of an id or a name. django-celery-results keeps 255; the record's key, which writes a byte as up
# to four characters, then stays below DynamoDB's 2,048.
MAX_IDENTIFIER_BYTES = 255
# Maximum bytes of a DynamoDB key, and bytes of the prefix before a task's id in it.
MAX_KEY_BYTES, KEY_PREFIX_BYTES = 2_048, 17

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Counters and seconds: what other parts of Celery keep in 32 bits.
_MAX_NUMBER = 2**31 - 1


def mapping(value: object, field: str) -> dict[str, Any]:
    """Return an object, an empty one for None."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{field} is {shown(value)}, not an object")
    return value


def identifier(value: object, field: str) -> str:
    """Return a required id or name; Celery also accepts UUIDs."""
    text = str(value) if isinstance(value, UUID) else value
    if not isinstance(text, str) or not 0 < len(_utf8(text, field)) <= MAX_IDENTIFIER_BYTES:
        raise Malformed(f"{field} is {shown(value)}, not text of 1 to {MAX_IDENTIFIER_BYTES} bytes")
    if text in {".", ".."}:
        raise Malformed(f"{field} is {shown(value)}, which no address can end with; choose another")
    if _CONTROL.search(text):
        raise Malformed(f"{field} is {shown(value)}, which has control characters; leave them out")
    return text


def task_id(value: object, field: str) -> str:
    """Return a task's id that fits into a record's key: a message with such a long id fails, and does not run."""
    if not isinstance(value, str) or len(_utf8(value, field)) <= MAX_IDENTIFIER_BYTES:
        return identifier(value, field)
    if _CONTROL.search(value) or len(repr(_utf8(value, field))) > MAX_KEY_BYTES - KEY_PREFIX_BYTES:
        raise Malformed(f"{field} is {shown(value)}, which no record can have as its key")
    return value


def optional_identifier(source: Mapping[str, Any], field: str) -> str | None:
    """Return an optional id."""
    value = source.get(field)
    return None if value is None else identifier(value, field)


def text(source: Mapping[str, Any], field: str) -> str | None:
    """Return valid Unicode text of any length."""
    value = source.get(field)
    if value is not None and not isinstance(value, str):
        raise Malformed(f"{field} is {shown(value)}, not text")
    if value is not None:
        _utf8(value, field)
    return value


def number(source: Mapping[str, Any], field: str) -> int | None:
    """Return a whole number from 0."""
    value = source.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_NUMBER:
        raise Malformed(f"{field} is {shown(value)}, not a whole number from 0 to {_MAX_NUMBER}")
    return value


def seconds(value: object, field: str) -> float | None:
    """Return seconds; None for 0, which is no limit in Celery."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_NUMBER:
        raise Malformed(f"{field} is {shown(value)}, not seconds")
    return value or None


def offset(source: Mapping[str, Any], field: str) -> timedelta | None:
    """Return seconds from now, possibly negative."""
    value = source.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MAX_NUMBER:
        raise Malformed(f"{field} is {shown(value)}, not seconds")
    return timedelta(seconds=value)


def time_limits(source: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the hard and the soft limit; both None if the field is absent."""
    match source.get("timelimit"):
        case None:
            return None, None
        case [hard, soft]:
            return seconds(hard, "timelimit"), seconds(soft, "timelimit")
    raise Malformed("timelimit is not [hard, soft]")


def flag(source: Mapping[str, Any], field: str) -> bool | None:
    """Return true or false."""
    value = source.get(field)
    if value is not None and not isinstance(value, bool):
        raise Malformed(f"{field} is {shown(value)}, neither true nor false")
    return value


def names(source: Mapping[str, Any], field: str) -> list[str] | None:
    """Return a list of texts."""
    value = source.get(field)
    if value is not None and not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        raise Malformed(f"{field} is not a list of names")
    return cast("list[str] | None", value)


def moment(source: Mapping[str, Any], field: str) -> datetime | None:
    """Return a time in UTC; one without a zone is UTC, Celery's default."""
    value = source.get(field)
    if value is None or value == "":
        return None
    try:
        read = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"{field} is {shown(value)}, not a time in ISO 8601") from error


def _utf8(value: str, field: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise Malformed(f"{field} contains an unpaired surrogate") from error
