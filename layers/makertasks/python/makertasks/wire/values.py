"""JSON with Celery's typed values, as kombu's `json` serializer reads and writes it.

    {"__type__": "datetime" | "date" | "time" | "decimal" | "uuid" | "bytes" | "base64", "__value__": …}

Reading is limited, so that no message can exhaust a worker's stack or memory.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from makertasks.errors import MakertasksError

# Maximum nesting of lists and objects. A chord inside a chain adds about five levels, so this allows thirty of them,
# and code that traverses a value needs two stack frames per level, well below Python's thousand.
MAX_DEPTH = 150

# Whole numbers beyond 64 bits become text in plain JSON: DynamoDB keeps 38 digits, other readers 64 bits at most.
_LARGEST = 2**63


class Malformed(MakertasksError):
    """A message does not have the wire format.

    `task_id` and `name` are set if they could be read: then the task's failure can be recorded.
    """

    def __init__(self, reason: str, task_id: str | None = None, name: str | None = None) -> None:
        """`reason` is a sentence that quotes no argument's value: arguments may hold secrets."""
        super().__init__(reason)
        self.reason = reason
        self.task_id = task_id
        self.name = name


def dump_value(value: Any, *, compact: bool = False) -> str:
    """Return JSON text of a Python value, byte for byte as kombu writes it; `compact` omits the spaces.

    Raises TypeError for a type that neither JSON nor Celery supports, ValueError for a value that contains itself or is
    nested too deeply for Python's stack.
    """
    try:
        return json.dumps(value, default=_typed, separators=(",", ":") if compact else None)
    except RecursionError as error:
        raise ValueError("the value is nested too deep to be written as JSON") from error


def dump_result(value: Any) -> str:
    """Return a task's result as JSON without spaces; raises like dump_value(), and for what load_value() rejects."""
    text = dump_value(value, compact=True)
    if _deeper_than(text, MAX_DEPTH - 1):
        raise ValueError(f"the result is nested deeper than {MAX_DEPTH - 1} levels")
    return text


def load_value(text: str | bytes) -> Any:
    """Return the Python value of JSON text, including typed values; raises Malformed."""
    return _loads(text, _untyped)


def load_json(text: str | bytes) -> Any:
    """Return the value of JSON text, with typed values unconverted; raises Malformed."""
    return _loads(text, None)


def plain(value: Any) -> Any:
    """Return a Python value as JSON that every reader accepts, for records and responses.

    Times become ISO 8601, UUIDs, decimals and bytes text (base64 if not UTF-8), NaN, infinities and numbers beyond 64
    bits text, unpaired surrogates `?`; unsupported types become their repr.
    """
    if isinstance(value, dict):
        return {str(plain(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return value.encode(errors="replace").decode()
        case int() | float():
            return _plain_number(value)
        case bytes():
            return _typed(value)["__value__"]
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | UUID) else repr(value)


def _plain_number(value: float) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if -_LARGEST <= value < _LARGEST:
        return int(value)
    try:
        return str(value)
    except ValueError:  # Python converts no more than 4,300 decimal digits
        return hex(value)


def _typed(value: Any) -> Any:
    """Return the typed form of a value that JSON does not support. datetime comes before date, its base class."""
    if isinstance(value, datetime | date | time):
        kind = next(kind for kind in (datetime, date, time) if isinstance(value, kind))
        return {"__type__": kind.__name__, "__value__": value.isoformat()}
    if isinstance(value, Decimal):
        return {"__type__": "decimal", "__value__": str(value)}
    if isinstance(value, UUID):
        return {"__type__": "uuid", "__value__": {"hex": value.hex}}
    if isinstance(value, bytes):
        try:
            return {"__type__": "bytes", "__value__": value.decode()}
        except UnicodeDecodeError:
            return {"__type__": "base64", "__value__": base64.b64encode(value).decode()}
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form; use text, numbers, lists and dicts")


_READERS: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": lambda text: datetime.fromisoformat(text).date(),
    "time": time.fromisoformat,
    "decimal": lambda text: Decimal(_string(text)),
    "uuid": lambda parts: UUID(hex=_string(parts["hex"])),
    "bytes": lambda text: _string(text).encode(),
    "base64": lambda text: base64.b64decode(_string(text)),
}


def _untyped(entry: dict[str, Any]) -> Any:
    """Return the Python value of a typed value, any other object unchanged."""
    if entry.keys() != {"__type__", "__value__"}:
        return entry
    kind = entry["__type__"]
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise Malformed(f"a typed value has the unknown type {shown(kind)}; the known types are {', '.join(_READERS)}")
    try:
        return reader(entry["__value__"])
    except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
        raise Malformed(f"a typed value says it is a {kind} and is not") from error


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _loads(text: str | bytes, hook: Callable[[dict[str, Any]], Any] | None) -> Any:
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise Malformed(f"the text is not UTF-8: {error.reason} at byte {error.start}") from error
    if _deeper_than(decoded, MAX_DEPTH):
        raise Malformed(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(decoded, object_hook=hook)
    except json.JSONDecodeError as error:
        raise Malformed(f"the text is not JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:  # a number of more than 4,300 digits
        raise Malformed("the JSON holds a number that is too long to read") from error
    except RecursionError as error:  # the caller's own stack was nearly full
        raise Malformed("the JSON is nested too deep for the stack it is read on") from error


_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


def _deeper_than(text: str, limit: int) -> bool:
    """Return whether brackets outside of strings nest deeper than `limit`; text with fewer brackets is not scanned."""
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        first = found.group()[0]
        if first in "[{":
            depth += 1
            if depth > limit:
                return True
        elif first in "]}":
            depth -= 1
    return False


def shown(value: Any) -> str:
    """Return a short repr of a value for an error's text."""
    text = repr(value) if isinstance(value, str | int | float | None) and not _long(value) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:60]}…"  # noqa: PLR2004 - half a line


def _long(value: Any) -> bool:
    return isinstance(value, int) and not -_LARGEST <= value < _LARGEST
