"""Types of parameters with their constraints, for validation and for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta

from makertasks import clock, tasks
from makertasks.errors import InvalidRequest
from makertasks.records.states import Status
from makertasks.wire.fields import MAX_IDENTIFIER_BYTES

A_TASK = "3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11"
AN_ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
A_MOMENT = "2026-11-22T09:30:00Z"
A_DATE = "2026-11-22"
A_DATE_OR_TIME = f"a date such as {A_DATE} or a time such as {A_MOMENT}"
A_NAME = "inventory.tasks.generate_qr_code"

# No control characters: names become part of keys, logs and headers.
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)"

# Accepts every id that `wire.fields` accepts: the limit there is in bytes, of which characters have at least one.
TaskId = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_IDENTIFIER_BYTES, pattern=PLAIN, description="The task's id", examples=[A_TASK]),
]
TaskName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=PLAIN,
        description="The task's full name, or its last part",
        examples=[A_NAME],
    ),
]
QueueName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=80,
        pattern=r"^[0-9A-Za-z_]+$(?!\n)",
        description="The queue's name",
        examples=["generate_qr_code"],
    ),
]
Worker = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=PLAIN,
        description="A function and its execution environment",
        examples=["generate_qr_code@1f2e3d4c"],
    ),
]
Limit = Annotated[int, Meta(ge=1, le=100, description="Maximum number of entries per page")]
Cursor = Annotated[
    str, Meta(max_length=2000, description="`cursor` of the previous page; repeat the other parameters unchanged")
]
_DATE = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_HOUR, _SIXTY = "([01][0-9]|2[0-3])", "[0-5][0-9]"
_TIME = rf"{_HOUR}:{_SIXTY}(:{_SIXTY}(\.[0-9]{{1,6}})?)?(Z|[ +-]{_HOUR}:{_SIXTY})?"

Moment = Annotated[
    str,
    Meta(
        pattern=rf"^{_DATE}([T ]{_TIME})?$(?!\n)",
        max_length=40,
        title=A_DATE_OR_TIME,
        description="ISO 8601 date or time, UTC unless it has a zone; a date is its first moment, in `…_to` its last",
        examples=[A_MOMENT, A_DATE],
    ),
]
StatusName = Status


def moment(field: str, text: str) -> datetime:
    """Return the time of an ISO 8601 text, of a date in a field `…_to` its last moment; raises InvalidRequest."""
    try:
        found = clock.parse(text.replace(" ", "+"))  # an unescaped + of a time zone arrives as a blank
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(field, f"must be {A_DATE_OR_TIME}, not {text!r}") from error
    if field.endswith("_to") and len(text) == len("2026-11-22"):
        found += timedelta(days=1, microseconds=-1)
    return found


def full_name(name: str) -> str:
    """Return a task's full name for its full or short name; an unknown name is returned unchanged."""
    if "." in name:
        return name
    return next((task.name for task in tasks.discover().values() if task.name.rpartition(".")[2] == name), name)
