"""The counters of single hours counted anew: repairs what a stream could not count, without reading the whole table.

    if not repair("inventory.tasks.generate_qr_code", "2026-11-22T09"): … try again later

The tasks of an hour are read by the index of their names. The difference is added to the hour's day and to the totals,
each once however often this is interrupted, and at last to the hour itself, from which it is computed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from makertasks import clock
from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import seen_events
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.monitoring.counters.rebuilding import BEHIND_SECONDS
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

PAGE = 100  # one BatchGetItem


def repair(name: str, hour: str) -> bool:
    """Count the tasks of one name and hour anew; False where they change at present. Raises Unavailable."""
    counters.connect()
    hour_place, *others = counters.places_of(name, hour)
    cell = counters.read(*hour_place)
    found, newest = _count(name, hour)
    if newest > clock.now().timestamp() - BEHIND_SECONDS:
        return False
    difference = Counter(found)
    difference.subtract({status: int(tasks) for status, tasks in cell.counts.items()})
    missing = {status: tasks for status, tasks in difference.items() if tasks}
    if not missing:
        return True
    event = f"repair {name} {hour} {cell.version} {sorted(missing.items())}"
    for place in others:
        _add(place, missing, event)
    cell.counts = dict(found)
    try:
        with answering("the counters table did not take a write"):
            cell.save()
    except ConditionFailed:
        return False
    return True


def _count(name: str, hour: str) -> tuple[Counter[str], float]:
    """How many tasks the hour has by status, and when one of them was written last."""
    records.connect()
    found, newest, keys = Counter[str](), 0.0, list[str]()
    with answering("the tasks table did not answer"):
        keys = [entry.id for entry in TaskRecord.by_name.query(f"{name}#{hour}", page_size=1_000)]
    for start in range(0, len(keys), PAGE):
        for record in records.get_many(keys[start : start + PAGE]).values():
            found[record.status] += 1
            newest = max(newest, float(record.timestamp))
    return found, newest


def _add(place: tuple[str, str], missing: dict[str, int], event: str) -> None:
    """Add a difference to a cell, unless that was done before."""
    while True:
        cell: CounterCell = counters.read(*place)
        remembered = cast("list[bytes]", cell.remembered)
        if not seen_events.unseen(remembered, [event]):
            return
        counts = Counter({status: int(tasks) for status, tasks in cell.counts.items()})
        counts.update(missing)
        cell.counts = {status: tasks for status, tasks in counts.items() if tasks}
        cell.remembered = cast("Any", seen_events.remember(remembered, [event]))
        try:
            with answering("the counters table did not take a write"):
                cell.save()
        except ConditionFailed:
            continue
        counters.note_month(cell)
        return
