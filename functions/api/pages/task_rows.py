"""Rows of the task list: each task with its item, and its error or result in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, cast

from api.pages import formats, item_faces, short_results, verdicts
from makertasks import masking, wire
from makertasks.control.run_now import time_of
from makertasks.monitoring import dead_letters, listing
from makertasks.monitoring import views as task_views
from makertasks.monitoring.views import TaskSummary
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Maximum length of arguments in a row, in characters.
ARGUMENTS = 60
# A live update may have 5 KB. Its rows are complete up to this many compressed bytes; the others come without picture
# and text, which the next update adds.
COMPLETE_BYTES = 2000
# Approximate compressed bytes of a picture's presigned URL, and of a character of text.
PICTURE_BYTES = 110
CHARACTER_BYTES = 0.7


class Row(TaskSummary):
    """A task in the list: `outcome` summarizes its error or result, `later` is the time until which it waits."""

    outcome: str
    is_amber: bool  # whether it is a SUCCESS that left something undone or changed nothing
    arguments: str
    later: str | None
    item: item_faces.Shown | None
    version: str  # changes with anything that the row shows
    is_known: bool  # whether the open page shows this version: it gets a stub instead, and keeps its row


def of(found: Iterable[TaskRecord], known: Collection[str] | None = None) -> list[Row]:
    """Return the rows of tasks; for a live update, `known` has the versions of the rows that the page shows."""
    rows = [_row(record) for record in found]
    shown = item_faces.of(rows)
    left: float = COMPLETE_BYTES
    for row in rows:
        row["item"] = shown.get(row["id"])
        row["version"] = _version(row)
        row["is_known"] = known is not None and row["version"] in known
        if known is not None and not row["is_known"] and (left := left - _bytes(row)) < 0:
            _shorten(row)
    return rows


class Letter(TaskSummary):
    """A dead letter in a list, with its body in readable form and the beginning of it."""

    body: str
    beginning: str
    deliveries: int | None


def letters(found: Iterable[TaskRecord]) -> list[Letter]:
    """Return the rows of dead letters."""
    return [
        {
            **task_views.summary(record),
            "body": dead_letters.readable(str(record.body)),
            "beginning": _beginning(record),
            "deliveries": None if record.deliveries is None else int(record.deliveries),
        }
        for record in found
    ]


def _beginning(record: TaskRecord) -> str:
    return formats.cut(dead_letters.beginning(record), ARGUMENTS)


def by_id(task_ids: Iterable[str]) -> dict[str, Row]:
    """Return the rows of existing tasks by id, read 100 at a time; raises Unavailable."""
    keys = [wire.result_key(task_id) for task_id in dict.fromkeys(task_ids)]
    rows: list[Row] = []
    for start in range(0, len(keys), listing.MAXIMUM_LIMIT):
        rows += of(records.get_many(keys[start : start + listing.MAXIMUM_LIMIT]).values())
    return {row["id"]: row for row in rows}


def _row(record: TaskRecord) -> Row:
    summary = task_views.summary(record)
    arguments = formats.arguments(summary["args"], summary["kwargs"], ARGUMENTS, record.item_id)
    if record.body and not arguments:
        arguments = _beginning(record)
    undone, result = verdicts.of_record(record), _result(record)
    return cast(
        "Row",
        {
            **summary,
            "outcome": undone or _outcome(record, result),
            "is_amber": bool(undone or verdicts.nothing_changed(result)),
            "arguments": arguments,
            "later": time_of(record),
            "item": None,
        },
    )


def _version(row: Row) -> str:
    item = row["item"] and (row["item"].name, row["item"].renamed, bool(row["item"].picture))
    parts = [row["id"], row["status"], row["done"], row["worker"], row["progress"], row["later"], row["outcome"]]
    return hashlib.sha256(repr([*parts, row["arguments"], item]).encode()).hexdigest()[:8]


def _bytes(row: Row) -> float:
    picture = PICTURE_BYTES if row["item"] and row["item"].picture else 0
    return picture + CHARACTER_BYTES * (len(row["outcome"]) + len(row["arguments"]))


def _shorten(row: Row) -> None:
    row["outcome"] = row["arguments"] = ""
    row["item"] = row["item"] and replace(row["item"], picture=None)
    row["version"] = _version(row)


def _result(record: TaskRecord) -> Any:
    """Return a successful task's result as plain values; None for other tasks, or if the result is in the bucket."""
    if record.status != Status.SUCCESS or "result" in (record.payloads or {}):
        return None
    return wire.plain(wire.parse_result_meta(record.result)["result"])


def _outcome(record: TaskRecord, result: Any) -> str:
    """Return the first line of a task's error, or the summary of its result."""
    if record.error_type:
        first = next(iter((record.error_message or "").strip().splitlines()), "")
        return formats.cut(first or record.error_type, short_results.CHARACTERS)
    return short_results.in_short(masking.masked(result))
