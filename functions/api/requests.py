"""What callers send, checked: bodies and query strings become typed values, or an InvalidRequest naming the field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from makertasks import clock, listing
from makertasks.errors import InvalidRequest
from makertasks.states import Status

# A task's arguments travel in one SQS message, whose limit is 256 KB; its envelope takes a good half of that.
MAXIMUM_BODY_BYTES = 128_000
FILTERS = ("status", "name", "item_id", "worker", "created_from", "created_to")

Body = TypeVar("Body", bound=msgspec.Struct)


class Submit(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/tasks`."""

    name: str
    kwargs: dict[str, Any] = {}
    args: list[Any] = []


class Upload(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/uploads`."""

    item_id: UUID
    content_type: str


def body(text: str | None, kind: type[Body]) -> Body:
    """The JSON body as `kind`; raises InvalidRequest with the path of the field that does not fit."""
    if len(text or "") > MAXIMUM_BODY_BYTES:
        raise InvalidRequest("body", f"is longer than {MAXIMUM_BODY_BYTES} bytes; store large values in the bucket")
    try:
        return msgspec.json.decode(text or "", type=kind)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        field = path.rstrip("`") or (reason.rpartition("field `")[2].rstrip("`") if "field `" in reason else "body")
        raise InvalidRequest(field, f"{reason[0].lower()}{reason[1:]}") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidRequest("body", f"is not JSON: {error}") from error


def task_filter(query: Mapping[str, str]) -> listing.Filter:
    """The filters of a list of tasks; raises InvalidRequest, also for a parameter that does not exist."""
    surplus = query.keys() - {*FILTERS, "limit", "cursor"}
    if surplus:
        raise InvalidRequest(min(surplus), f"is no filter of tasks; those are {', '.join(FILTERS)}, limit and cursor")
    wanted = {name: query[name] for name in FILTERS if query.get(name)}
    if "status" in wanted and wanted["status"] not in set(Status):
        raise InvalidRequest("status", f"must be one of {', '.join(Status)}, not {wanted['status']!r}")
    if "item_id" in wanted:
        wanted["item_id"] = str(item_id(wanted["item_id"]))
    for name in ("created_from", "created_to"):
        if name in wanted:
            wanted[name] = _moment(name, wanted[name])
    return listing.Filter(**wanted)


def limit(query: Mapping[str, str], default: int) -> int:
    """The page's size; raises InvalidRequest."""
    try:
        return int(query.get("limit") or default)
    except ValueError as error:
        raise InvalidRequest("limit", f"must be a whole number, not {query['limit']!r}") from error


def item_id(text: str) -> UUID:
    """An item's id; raises InvalidRequest."""
    try:
        return UUID(text)
    except ValueError as error:
        reason = f"must be a UUID such as 94cb6421-7fa1-4dab-802f-ec76eba2bfe7, not {text!r}"
        raise InvalidRequest("item_id", reason) from error


def _moment(field: str, text: str) -> str:
    """A time in the table's form; a date alone means its first moment, or in `created_to` its last."""
    try:
        moment = clock.parse(text.replace(" ", "+"))  # an unescaped + of a time zone arrives as a blank
    except ValueError as error:
        raise InvalidRequest(field, f"must be an ISO 8601 time such as 2026-11-22T09:30:00Z, not {text!r}") from error
    if field == "created_to" and len(text) == len("2026-11-22"):
        moment += timedelta(days=1, microseconds=-1)
    return clock.text(moment)
