"""Groups of failures with the same fingerprint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from makertasks import clock, tasks
from makertasks.errors import NotFound
from makertasks.monitoring import acknowledgements, listing
from makertasks.monitoring.acknowledgements import Acknowledgement
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Maximum number of failures per response: 1,000 records are about 500 read units and ten requests.
EXAMINED = 1000
GROUPS = 50
# Items of one cause that are named, the most affected first.
ITEMS = 20


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
    new: int  # not acknowledged; dead letters are counted separately
    acknowledged: Acknowledgement | None


class Groups(TypedDict):
    """The groups, the largest first. If `complete` is false, only the newest `examined` failures were read."""

    groups: list[Group]
    examined: int
    complete: bool


class AffectedItem(TypedDict):
    """An item that failures of one cause belong to."""

    item_id: str
    item_name: str | None  # as it was at the newest of these failures
    count: int
    last: str
    last_task_id: str


class Cause(TypedDict):
    """One cause of failure. Where `complete` is false, only the newest `examined` failures of all causes were read."""

    group: Group | None
    acknowledged: Acknowledgement | None
    days: dict[str, int]  # failures by day of their tasks' creation, in UTC
    items: list[AffectedItem]
    item_count: int
    examined: int
    complete: bool


def recent(created_from: datetime, created_to: datetime, limit: int = GROUPS, examined: int = EXAMINED) -> Groups:
    """The newest failures of the tasks created between two times, grouped; raises Unavailable."""
    [groups] = grouped(created_from, created_to, [None], limit, examined)
    return groups


def grouped(
    created_from: datetime,
    created_to: datetime,
    ended_from: Sequence[datetime | None],
    limit: int = GROUPS,
    examined: int = EXAMINED,
) -> list[Groups]:
    """As `recent`, once for each time in `ended_from`: with the failures that ended from then on, None for all.

    A task that was retried for hours fails long after its creation.
    """
    looked = acknowledgements.by_cause()
    failed, complete = _failed(created_from, created_to, examined)
    return [_grouped(failed, looked, complete, limit, clock.text(moment) if moment else "") for moment in ended_from]


def _grouped(
    failed: list[TaskRecord], looked: Mapping[str, Acknowledgement], complete: bool, limit: int, ended_from: str
) -> Groups:
    groups: dict[str, Group] = {}
    ended = [record for record in failed if (record.done or record.created) >= ended_from]
    for record in ended:
        _add(groups, record, looked)
    ordered = sorted(groups.values(), key=lambda group: (group["count"], group["last"]), reverse=True)
    return {"groups": ordered[:limit], "examined": len(ended), "complete": complete and len(ordered) <= limit}


def of_cause(fingerprint: str, created_from: datetime, created_to: datetime) -> Cause:
    """One cause among the failures of the tasks created between two times.

    Raises NotFound if it has none and was never acknowledged, and Unavailable.
    """
    failed, complete = _failed(created_from, created_to)
    alike = [record for record in failed if _key(record) == fingerprint]
    looked = acknowledgements.by_cause()
    if not alike and fingerprint not in looked:
        among = "" if complete else f" among the newest {len(failed)} failures"
        period = f"between {clock.text(created_from)[:19]}Z and {clock.text(created_to)[:19]}Z"
        raise NotFound(
            f"no task created {period} failed with the cause {fingerprint[:200]!r}{among};"
            " the overview lists the causes of the last 24 hours"
        )
    groups: dict[str, Group] = {}
    items: dict[str, AffectedItem] = {}
    for record in alike:
        _add(groups, record, looked)
        if item_id := record.item_id:
            newest: AffectedItem = {
                "item_id": item_id, "item_name": record.item_name, "count": 0, "last": record.created,
                "last_task_id": record.task_id,
            }  # fmt: skip
            items.setdefault(item_id, newest)["count"] += 1
    ordered = sorted(items.values(), key=lambda item: (item["count"], item["last"]), reverse=True)
    return {
        "group": groups.get(fingerprint),
        "acknowledged": looked.get(fingerprint),
        "days": dict(Counter(record.created[:10] for record in alike)),
        "items": ordered[:ITEMS],
        "item_count": len(ordered),
        "examined": len(failed),
        "complete": complete,
    }


def _failed(created_from: datetime, created_to: datetime, examined: int = EXAMINED) -> tuple[list[TaskRecord], bool]:
    """The newest failures between two times, and whether these are all."""
    wanted = listing.Filter(
        status=Status.FAILURE, created_from=clock.text(created_from), created_to=clock.text(created_to)
    )
    return listing.newest(wanted, examined, names=tasks.discover())


def _key(record: TaskRecord) -> str:
    return record.fingerprint or record.error_type or "unknown"


def _add(groups: dict[str, Group], record: TaskRecord, looked: Mapping[str, Acknowledgement]) -> None:
    """Count one failure; they come newest first, so the first of a group is its last."""
    key = _key(record)
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
