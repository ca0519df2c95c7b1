"""Recount single hours that the stream could not count, without reading the whole table.

    if not repair("inventory.tasks.generate_qr_code", "2026-11-22T09"): … try again later

The tasks of an hour are read by the index `name`. The hour's cell gets the difference; its day and the totals follow as
usual (`rolling_up`), even after an interruption.
"""

from __future__ import annotations

from collections import Counter

from makertasks import clock
from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import rolling_up
from makertasks.monitoring.counters.rebuilding import BEHIND_SECONDS
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

PAGE = 100  # one BatchGetItem


def repair(name: str, hour: str) -> bool:
    """Recount the tasks of one name and hour; False if they are changing. Raises Unavailable."""
    counters.connect()
    place = counters.places_of(name, hour)[0]
    cell = counters.read(*place)
    found, newest = _count(name, hour)
    if newest > clock.now().timestamp() - BEHIND_SECONDS:
        return False
    parts = [part for part in counters.cells(place[0], consistent=True) if (part.name, part.hour) == (name, hour)]
    missing = Counter(found)
    for part in parts:
        missing.subtract({status: int(tasks) for status, tasks in part.counts.items()})
    if any(missing.values()):
        counts = Counter({status: int(tasks) for status, tasks in cell.counts.items()})
        counts.update(missing)
        cell.counts = {status: tasks for status, tasks in counts.items() if tasks}
        try:
            with answering("the counters table could not be written"):
                cell.save()
        except ConditionFailed:
            return False
    rolling_up.roll_up(hour[:10], [name])
    return True


def _count(name: str, hour: str) -> tuple[Counter[str], float]:
    """Return the hour's number of tasks by status, and the time of the last write to one of them."""
    records.connect()
    found, newest, keys = Counter[str](), 0.0, list[str]()
    with answering("the tasks table did not respond"):
        for partition in records.name_keys(name, hour):
            keys += [entry.id for entry in TaskRecord.by_name.query(partition, page_size=1_000)]
    for start in range(0, len(keys), PAGE):
        for record in records.get_many(keys[start : start + PAGE]).values():
            found[record.status] += 1
            newest = max(newest, float(record.timestamp))
    return found, newest
