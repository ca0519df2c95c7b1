"""Large arguments and results: stored in the bucket, named in the record, and returned whole.

A result is stored in the record itself if it fits into a DynamoDB item, so that a stock Celery client can read it;
arguments of more than 16 KB are not, because a record holds them twice and is written four times. A message has
`{PAYLOAD_HEADER: {key, bytes}}` among its headers in place of such arguments by name, and another header for those by
position; a record has the same in `payloads`, under `kwargs`, `args` and `result`. Celery's result holds
`{"makertasks_payload": {bucket, key, bytes}}`. A key is derived from the task's id and the content, so writing twice
leaves one object.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from makertasks import settings, wire
from makertasks.aws import bucket, json_values
from makertasks.errors import PermanentError
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.records.table import PAYLOAD_HEADER, PAYLOAD_HEADERS

FOLDER = "payloads/"

# Maximum JSON bytes of arguments in the record and the message. A record is written four times, at one write unit per
# KB, and holds the arguments twice; an object in the bucket costs as much as five write units.
INLINE_BYTES = 16_384
# Bytes of an item, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html, and of those the
# ones that what is written into an ended task's record later may need.
ITEM_BYTES = 409_600
RESERVED_BYTES = 9_600
# A result's text or number of at most this many characters is not measured.
SMALL_CHARACTERS = 2_000
# Maximum size of arguments or result as JSON; Lambda's responses are limited to 6 MB.
MAXIMUM_BYTES = 5_000_000

Pointer = dict[str, Any]  # {key, bytes}


class TooLarge(PermanentError):
    """Arguments or a result above the maximum size."""

    def __init__(self, what: str, size: int) -> None:
        """`what` is the field; `size` is in bytes of JSON."""
        super().__init__(
            f"{what}: {size:,} bytes of JSON; the limit is {MAXIMUM_BYTES:,}; put the data into the bucket and "
            "pass its key"
        )


def slim(message: wire.Message) -> wire.Message:
    """Return the message with large arguments moved to the bucket; raises TooLarge, or TemporaryError if S3 fails."""
    for field, header in PAYLOAD_HEADERS.items():
        pointer = store(message.task_id, field, getattr(message, field))
        if pointer is not None:
            empty: dict[str, Any] = {field: type(getattr(message, field))(), f"{field}repr": "(…)"}
            message = replace(message, headers={**message.headers, header: pointer}, **empty)
    return message


def whole(message: wire.Message) -> wire.Message:
    """Return the message with arguments read from the bucket; raises wire.Malformed, NotFound or TemporaryError."""
    pointers = {
        field: message.headers[header] for field, header in PAYLOAD_HEADERS.items() if header in message.headers
    }
    if not pointers:
        return message
    headers = {name: value for name, value in message.headers.items() if name not in PAYLOAD_HEADERS.values()}
    message = replace(message, headers=headers)
    if "kwargs" in pointers:
        message = replace(message, kwargs={**_loaded(pointers, "kwargs", dict), **message.kwargs}, kwargsrepr=None)
    if "args" in pointers:
        message = replace(message, args=[*_loaded(pointers, "args", list), *message.args], argsrepr=None)
    return message


def _loaded(pointers: dict[str, Any], field: str, kind: type) -> Any:
    value = load(pointers[field])
    if not isinstance(value, kind):
        raise wire.Malformed(f"the message has an invalid pointer to {field}")
    return value


def store(task_id: str, field: str, value: Any) -> Pointer | None:
    """Store a value in the bucket if it is too large for a record, or if DynamoDB cannot hold it exactly.

    Otherwise return None. Raises TooLarge, TypeError or ValueError if it is not JSON, TemporaryError.
    """
    body = _outside(value)
    if body is None:
        return None
    return _put(task_id, field, body)


def _put(task_id: str, field: str, body: bytes) -> Pointer:
    if len(body) > MAXIMUM_BYTES:
        raise TooLarge(field, len(body))
    task, content = (hashlib.sha256(part).hexdigest()[:32] for part in (task_id.encode(), body))
    key = f"{FOLDER}{task}/{field}-{content}.json"
    bucket.put(key, body, "application/json")
    return {"key": key, "bytes": len(body)}


def store_result(record: TaskRecord, value: Any) -> Pointer | None:
    """Store a result in the bucket if it does not fit into the record; otherwise return None.

    Raises TooLarge, TypeError or ValueError if it is not JSON, TemporaryError.
    """
    if _is_small_result(value):
        return None
    body = wire.dump_result(value).encode()
    if len(body) <= INLINE_BYTES or len(body) <= room(record):
        return None
    return _put(record.task_id, "result", body)


def room(record: TaskRecord) -> int:
    """Return the maximum JSON bytes of a running task's result that fit into its record."""
    attributes = {name: value for name, value in record.serialize().items() if name != "result"}
    others = len(json.dumps(attributes, default=repr).encode())
    around = len(records.meta(record, Status.SUCCESS))
    return ITEM_BYTES - RESERVED_BYTES - others - around


def _is_small_result(value: Any) -> bool:
    """Return whether a result is obviously small, as nearly all are, so that it need not be measured."""
    if isinstance(value, dict):
        return len(value) < SMALL_CHARACTERS / 100 and all(_is_small_scalar(entry) for entry in value.values())
    return _is_small_scalar(value)


def _is_small_scalar(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) < SMALL_CHARACTERS / 10
    return value is None or type(value) is float or (isinstance(value, int) and abs(value) < 2**63)


def stands_in_record(value: Any) -> bool:
    """Return whether a value is stored in the record itself; raises TypeError or ValueError if it is not JSON."""
    return _outside(value) is None


def _outside(value: Any) -> bytes | None:
    """Return the JSON of a value that cannot be stored in the record; None if it can."""
    if _is_small(value):
        return None
    body = wire.dump_value(value, compact=True).encode()
    return None if len(body) <= INLINE_BYTES and json_values.fits_table(value) else body


def _is_small(value: Any) -> bool:
    """Return whether a value is obviously small, as nearly all are, so that it need not be measured."""
    if not isinstance(value, Mapping):
        return not value if isinstance(value, list) else value is None or isinstance(value, bool)
    texts = [entry for entry in value.values() if isinstance(entry, str) and entry.isascii()]
    return len(texts) == len(value) and sum(map(len, texts)) <= INLINE_BYTES / 8


def load(pointer: Any) -> Any:
    """Return the value that a pointer names; raises wire.Malformed if it is invalid, NotFound and TemporaryError."""
    key = pointer.get("key") if isinstance(pointer, dict) else None
    if not isinstance(key, str) or not key.startswith(FOLDER) or ".." in key:
        raise wire.Malformed(f"the message names arguments that are not under {FOLDER}")
    return wire.load_value(bucket.get(key, MAXIMUM_BYTES).body)


def kwargs_of(record: TaskRecord) -> dict[str, Any]:
    """Return a record's arguments by name, whole; raises NotFound if they no longer exist, and TemporaryError."""
    pointer = (record.payloads or {}).get("kwargs")
    return dict(load(pointer)) if pointer else record.kwargs


def args_of(record: TaskRecord) -> list[Any]:
    """Return a record's arguments by position, whole; raises NotFound if they no longer exist, and TemporaryError."""
    pointer = (record.payloads or {}).get("args")
    return list(load(pointer)) if pointer else record.args or []


def result_of(record: TaskRecord) -> Any:
    """Return a successful record's result, whole; raises NotFound if it no longer exists, and TemporaryError."""
    pointer = (record.payloads or {}).get("result")
    return load(pointer) if pointer else wire.parse_result_meta(record.result)["result"]


def shown(pointer: Pointer) -> dict[str, Any]:
    """Return the placeholder of a large result in Celery's result."""
    return {PAYLOAD_HEADER: {"bucket": settings.bucket(), **pointer}}


def forget(record_payloads: Mapping[str, Pointer]) -> None:
    """Delete the objects of a deleted record; raises TemporaryError."""
    for pointer in record_payloads.values():
        bucket.delete(pointer["key"])
