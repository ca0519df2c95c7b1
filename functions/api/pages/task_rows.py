"""Rows of the task list: each task with its item, and its error or result in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any, cast

from api.pages import formats, item_faces
from makertasks import masking, wire
from makertasks.control.run_now import time_of
from makertasks.monitoring import views as task_views
from makertasks.monitoring.views import TaskSummary
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Maximum length of an error or a result in a row, in characters: a live update is at most 5 KB on the wire.
OUTCOME = 90


class Row(TaskSummary):
    """A task in the list: `outcome` is its error or result in short, `later` the future time for which it waits."""

    outcome: str
    later: str | None
    item: item_faces.Shown | None
    version: str  # changes with anything that the row shows
    is_known: bool  # whether the open page shows this version: it gets a stub instead, and keeps its row


def of(found: Iterable[TaskRecord], known: Collection[str] = ()) -> list[Row]:
    """Return the rows of tasks; `known` are versions of rows that an open page shows. Raises Unavailable."""
    rows = [_row(record) for record in found]
    shown = item_faces.of(rows)
    for row in rows:
        row["item"] = shown.get(row["id"])
        row["version"] = _version(row)
        row["is_known"] = row["version"] in known
    return rows


def _row(record: TaskRecord) -> Row:
    summary = task_views.summary(record)
    return cast("Row", {**summary, "outcome": outcome(record), "later": time_of(record)})


def _version(row: Row) -> str:
    item = row["item"] and (row["item"].name, row["item"].renamed)
    parts = (row["id"], row["status"], row["done"], row["worker"], row["progress"], row["later"], row["outcome"], item)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def outcome(record: TaskRecord) -> str:
    """Return the first line of a task's error, or its result in short."""
    if record.error_type:
        first = next(iter((record.error_message or "").strip().splitlines()), "")
        return formats.cut(first or record.error_type, OUTCOME)
    if record.status != Status.SUCCESS or "result" in (record.payloads or {}):
        return ""
    return in_short(masking.masked(wire.plain(wire.parse_result_meta(record.result)["result"])))


def in_short(result: Any) -> str:
    """Return a result in one line: files by name, other values with their labels.

    >>> in_short({"qr_code": "inventory/qrcodes/qr_7.png"}), in_short({"changed": False, "image": "a.png"})
    ('QR code qr_7.png', 'Nothing changed')
    >>> in_short({"links": 12, "skipped": {}}), in_short(None)
    ('links 12', '')
    """
    if isinstance(result, dict):
        if result.get("changed") is False:
            return "Nothing changed"
        parts = [f"{formats.label(name)} {_value(value)}" for name, value in result.items() if _value(value)]
        return formats.cut(", ".join(parts), OUTCOME)
    return "" if result is None else formats.cut(formats.compact(result), OUTCOME)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.rpartition("/")[2] if task_views.is_made(value) else value
    return str(value) if isinstance(value, int | float) else ""
