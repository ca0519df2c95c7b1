"""Types of what callers send, with their bounds: the API's document shows them, and every route checks by them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta

from makertasks import clock
from makertasks.errors import InvalidRequest
from makertasks.records.states import Status

A_TASK = "3f2b1c9e-8d4a-4c6b-9a57-0f6f7f2f4f11"
AN_ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
A_MOMENT = "2026-11-22T09:30:00Z"
A_NAME = "inventory.tasks.generate_qr_code"

# No control characters: names go into keys, logs and headers.
PLAIN = r"^[^\x00-\x1f\x7f]+$"

TaskId = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=PLAIN, description="The task's id", examples=[A_TASK])
]
TaskName = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=PLAIN, description="The task's whole name", examples=[A_NAME])
]
QueueName = Annotated[
    str,
    Meta(min_length=1, max_length=80, pattern=r"^\w+$", description="The queue's name", examples=["generate_qr_code"]),
]
Worker = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=PLAIN,
        description="A function and its running environment",
        examples=["generate_qr_code@1f2e3d4c"],
    ),
]
Limit = Annotated[int, Meta(ge=1, le=100, description="Entries of one page")]
Cursor = Annotated[
    str, Meta(max_length=2000, description="`cursor` of the page before; the other parameters must be the same")
]
_DATE = r"[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[ +-]([01]\d|2[0-3]):[0-5]\d)?"

Moment = Annotated[
    str,
    Meta(
        pattern=rf"^{_DATE}([T ]{_TIME})?$",
        max_length=40,
        description="A time in ISO 8601; without a zone UTC. A date alone means its first moment, in `…_to` its last",
        examples=[A_MOMENT],
    ),
]
StatusName = Status


def moment(field: str, text: str) -> datetime:
    """A time in UTC; raises InvalidRequest."""
    try:
        found = clock.parse(text.replace(" ", "+"))  # an unescaped + of a time zone arrives as a blank
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(field, f"must be an ISO 8601 time such as {A_MOMENT}, not {text!r}") from error
    if field.endswith("_to") and len(text) == len("2026-11-22"):
        found += timedelta(days=1, microseconds=-1)
    return found
