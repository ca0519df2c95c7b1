"""Large arguments and results: kept in the bucket, named in the record, and given back whole.

A message carries `{PAYLOAD_HEADER: {key, bytes}}` among its headers in place of such arguments; a record has the same
in `payloads`, under `kwargs` and `result`; Celery's result holds `{"makertasks_payload": {bucket, key, bytes}}`. A key
is made from the task's id and the content, so writing twice leaves one object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from makertasks import settings, wire
from makertasks.aws import bucket, json_values
from makertasks.errors import PermanentError
from makertasks.records.model import TaskRecord
from makertasks.records.table import PAYLOAD_HEADER

FOLDER = "payloads/"

# JSON bytes that still stand in the record and in the message. A record is written four times, at one write unit a KB,
# and holds the arguments twice; an object in the bucket costs as much as five write units.
INLINE_BYTES = 16_384
# Largest arguments or result, as JSON; the API's gateway and Lambda's answers end at 6 MB.
MAXIMUM_BYTES = 5_000_000

Pointer = dict[str, Any]  # {key, bytes}


class TooLarge(PermanentError):
    """Arguments or a result beyond what tasks may have."""

    def __init__(self, what: str, size: int) -> None:
        """`what` is the field; `size` is in bytes of JSON."""
        super().__init__(
            f"{what}: {size:,} bytes of JSON, and at most {MAXIMUM_BYTES:,} are kept; put the data into the bucket and "
            "pass its key"
        )


def slim(message: wire.Message) -> wire.Message:
    """The message with large arguments by name in the bucket; raises TooLarge, or TemporaryError where S3 refuses."""
    pointer = store(message.task_id, "kwargs", message.kwargs)
    if pointer is None:
        return message
    return replace(message, kwargs={}, headers={**message.headers, PAYLOAD_HEADER: pointer}, kwargsrepr="{…}")


def whole(message: wire.Message) -> wire.Message:
    """The message with its arguments, wherever they are; raises wire.Malformed, NotFound or TemporaryError."""
    pointer = message.headers.get(PAYLOAD_HEADER)
    if pointer is None:
        return message
    headers = {name: value for name, value in message.headers.items() if name != PAYLOAD_HEADER}
    return replace(message, kwargs={**load(pointer), **message.kwargs}, headers=headers, kwargsrepr=None)


def store(task_id: str, field: str, value: Any) -> Pointer | None:
    """Put a value into the bucket where it is too large for a record, or of a form that DynamoDB cannot hold exactly.

    None where it is neither. Raises TooLarge, TypeError or ValueError where it has no JSON form, TemporaryError.
    """
    body = _outside(value)
    if body is None:
        return None
    if len(body) > MAXIMUM_BYTES:
        raise TooLarge(field, len(body))
    task, content = (hashlib.sha256(part).hexdigest()[:32] for part in (task_id.encode(), body))
    key = f"{FOLDER}{task}/{field}-{content}.json"
    bucket.put(key, body, "application/json")
    return {"key": key, "bytes": len(body)}


def stands_in_record(value: Any) -> bool:
    """Whether a value is kept in the record itself; raises TypeError or ValueError where it has no JSON form."""
    return _outside(value) is None


def _outside(value: Any) -> bytes | None:
    """The JSON of a value that cannot stand in the record; None where it can."""
    if _is_small(value):
        return None
    body = wire.dump_value(value, compact=True).encode()
    return None if len(body) <= INLINE_BYTES and json_values.fits_table(value) else body


def _is_small(value: Any) -> bool:
    """Whether a value is so plain that its size need not be measured: what nearly all tasks have."""
    if not isinstance(value, Mapping):
        return value is None or isinstance(value, bool)
    texts = [entry for entry in value.values() if isinstance(entry, str) and entry.isascii()]
    return len(texts) == len(value) and sum(map(len, texts)) <= INLINE_BYTES / 8


def load(pointer: Any) -> Any:
    """The value a pointer names; raises wire.Malformed for one that is not ours, NotFound and TemporaryError."""
    key = pointer.get("key") if isinstance(pointer, dict) else None
    if not isinstance(key, str) or not key.startswith(FOLDER) or ".." in key:
        raise wire.Malformed(f"the message names arguments that are not under {FOLDER}")
    return wire.load_value(bucket.get(key, MAXIMUM_BYTES).body)


def kwargs_of(record: TaskRecord) -> dict[str, Any]:
    """A record's arguments by name, whole; raises NotFound where they are gone, and TemporaryError."""
    pointer = (record.payloads or {}).get("kwargs")
    return dict(load(pointer)) if pointer else record.kwargs


def result_of(record: TaskRecord) -> Any:
    """A successful record's result, whole; raises NotFound where it is gone, and TemporaryError."""
    pointer = (record.payloads or {}).get("result")
    return load(pointer) if pointer else wire.parse_result_meta(record.result)["result"]


def shown(pointer: Pointer) -> dict[str, Any]:
    """What stands in Celery's result in place of a large one."""
    return {PAYLOAD_HEADER: {"bucket": settings.bucket(), **pointer}}


def forget(record_payloads: Mapping[str, Pointer]) -> None:
    """Remove the objects of a record that is gone; raises TemporaryError."""
    for pointer in record_payloads.values():
        bucket.delete(pointer["key"])
