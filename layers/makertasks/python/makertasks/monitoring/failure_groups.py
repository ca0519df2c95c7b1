"""Failures that are alike, as one: grouped by the fingerprint that their records share."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from makertasks import clock, tasks
from makertasks.monitoring import listing
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
    examined, cursor = 0, None
    while examined < EXAMINED:
        page = listing.page(wanted, limit=listing.MAXIMUM_LIMIT, cursor=cursor, names=names)
        for record in page.records:
            _add(groups, record)
        examined += len(page.records)
        cursor = page.cursor
        if cursor is None:
            break
    ordered = sorted(groups.values(), key=lambda group: (group["count"], group["last"]), reverse=True)
    complete = cursor is None and len(ordered) <= limit
    return {"groups": ordered[:limit], "examined": examined, "complete": complete}


def _add(groups: dict[str, Group], record: TaskRecord) -> None:
    """Count one failure; they come newest first, so the first of a group is its last."""
    key = record.fingerprint or record.error_type or "unknown"
    if key in groups:
        groups[key]["count"] += 1
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
    }
