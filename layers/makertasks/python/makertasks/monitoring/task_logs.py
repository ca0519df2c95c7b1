"""The log lines of a task's function while it ran the task."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from makertasks import clock, masking, settings
from makertasks.aws import log_events
from makertasks.records.model import TaskRecord

LIMIT = 200
# Maximum number of requests per response; each searches about 1 MB of the log.
MAXIMUM_REQUESTS = 10
# Lines appear in the log a moment after they were written.
AFTER = timedelta(minutes=1)
# Keys of Powertools' logger that operators do not need here.
_PLUMBING = frozenset(
    {
        "level", "message", "timestamp", "location", "service", "cold_start", "function_name", "function_memory_size",
        "function_arn", "function_request_id", "xray_trace_id", "task_id", "task_name", "stack_trace", "exception_name",
    }
)  # fmt: skip


class Line(TypedDict):
    """One line. `fields` are the keys that it was written with."""

    time: str
    level: str
    message: str
    fields: dict[str, Any]


class Lines(TypedDict):
    """A task's lines, oldest first; `complete` is false if there may be more."""

    lines: list[Line]
    complete: bool


def lines(record: TaskRecord, limit: int = LIMIT) -> Lines:
    """Return the lines of all attempts of a task; raises Unavailable."""
    found: list[Line] = []
    token: str | None = None
    if not record.queue:  # revoked before its message was received: its function is unknown
        return {"lines": [], "complete": True}
    for _ in range(MAXIMUM_REQUESTS):
        page = _page(record, token)
        found += [line for event in page.get("events", []) if (line := _line(event, record.task_id))]
        token = page.get("nextToken")
        if token is None or len(found) > limit:
            break
    return {"lines": found[:limit], "complete": token is None and len(found) <= limit}


def grows(record: TaskRecord) -> bool:
    """Return whether lines may still appear: the task is unfinished, or finished a moment ago."""
    return not record.done or clock.now() < clock.parse(record.done) + AFTER


def _page(record: TaskRecord, token: str | None) -> dict[str, Any]:
    end = clock.parse(record.done) + AFTER if record.done else clock.now() + AFTER
    group = f"/aws/lambda/{settings.stack()}-{record.queue}"
    return log_events.page(group, "task_id", record.task_id, clock.parse(record.created), end, token)


def _line(event: dict[str, Any], task_id: str) -> Line | None:
    """Return a line whose field has the task's id; None for others, even if their text contains the id."""
    try:
        written = json.loads(event["message"])
    except ValueError:
        return None
    if not isinstance(written, dict) or written.get("task_id") != task_id:
        return None
    fields = {name: value for name, value in written.items() if name not in _PLUMBING}
    return {
        "time": clock.text(datetime.fromtimestamp(event["timestamp"] / 1000, UTC)),
        "level": str(written.get("level", "")),
        "message": masking.without_accounts(masking.text(str(written.get("message", "")))),
        "fields": masking.without_accounts(masking.masked(fields)),
    }
