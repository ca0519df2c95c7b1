"""Failures that are alike, as one: grouped by the fingerprint that their records share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from makertasks import clock, tasks
from makertasks.monitoring import acknowledgements, listing
from makertasks.monitoring.acknowledgements import Acknowledgement
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Newest failures that are read for one answer: 1,000 records are about 500 read units and ten requests.
EXAMINED = 1000
GROUPS = 50


class Group(TypedDict):
    """Failures of one task that differ only in ids, numbers, addresses and quoted values."""

    fingerprint: str
    name: str
    error_type: str
    message: str | None
    count: int
    first: str
    last: str
    last_task_id: str
    new: int  # those that nobody has acknowledged; unreadable messages are counted by themselves
    acknowledged: Acknowledgement | None


class Groups(TypedDict):
    """The groups, the largest first. Where `complete` is false, only the newest `examined` failures were looked at."""

    groups: list[Group]
    examined: int
    complete: bool


def recent(created_from: datetime, created_to: datetime, limit: int = GROUPS) -> Groups:
    """Failures of the tasks created between two times, grouped; raises Unavailable."""
    wanted = listing.Filter(
        status=Status.FAILURE, created_from=clock.text(created_from), created_to=clock.text(created_to)
    )
    names = list(tasks.discover())
    groups: dict[str, Group] = {}
    looked = acknowledgements.by_cause()
    examined, cursor = 0, None
    while examined < EXAMINED:
        page = listing.page(wanted, limit=listing.MAXIMUM_LIMIT, cursor=cursor, names=names)
        for record in page.records:
            _add(groups, record, looked)
        examined += len(page.records)
        cursor = page.cursor
        if cursor is None:
            break
    ordered = sorted(groups.values(), key=lambda group: (group["count"], group["last"]), reverse=True)
    complete = cursor is None and len(ordered) <= limit
    return {"groups": ordered[:limit], "examined": examined, "complete": complete}


def _add(groups: dict[str, Group], record: TaskRecord, looked: Mapping[str, Acknowledgement]) -> None:
    """Count one failure; they come newest first, so the first of a group is its last."""
    key = record.fingerprint or record.error_type or "unknown"
    acknowledged = looked.get(key)
    new = int(not record.body and not acknowledgements.covers(acknowledged, record.done or record.created))
    if key in groups:
        groups[key]["count"] += 1
        groups[key]["new"] += new
        groups[key]["first"] = record.created
        return
    groups[key] = {
        "fingerprint": key,
        "name": record.name,
        "error_type": record.error_type or "",
        "message": record.error_message,
        "count": 1,
        "first": record.created,
        "last": record.created,
        "last_task_id": record.task_id,
        "new": new,
        "acknowledged": acknowledged,
    }
