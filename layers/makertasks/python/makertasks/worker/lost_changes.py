"""Table changes that a function could not process, which Lambda reports to the dead-letter queue.

Lambda splits a failing batch, retries it, and then reports its position in the stream. Such changes of the tasks table
are not counted: their hours are noted, and recounted once the stream has passed them. So are hours that may have
counted a change twice (`doubts`). A change of the inventory table (a download that was not queued, a site that was not
notified) becomes a FAILURE record.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger

from makertasks import clock, settings, tasks, wire
from makertasks.aws import streams
from makertasks.errors import MakertasksError
from makertasks.monitoring.counters import doubts, repairing
from makertasks.monitoring.counters.rebuilding import BEHIND_SECONDS
from makertasks.records import lifecycle, notes
from makertasks.records import table as records
from makertasks.records.states import Status

logger = Logger(child=True)

NOTE = "repairs#hours"
# Maximum number of noted hours; beyond that, `makertasks recount` is cheaper than recounting each.
MOST = 2_000
ITEM_CHANGES = "item_changes"


class ChangesLost(MakertasksError):
    """A function could not process changes of a table."""


@dataclass(frozen=True)
class Batch:
    """A range of a shard that Lambda gave up on. Times are in the format of `clock.text`."""

    stream: str
    shard: str
    first: str
    last: str
    size: int
    arrived: tuple[str, str]

    @property
    def table(self) -> str:
        """Return the table's name."""
        return self.stream.partition(":table/")[2].partition("/")[0]


def batch_of(body: str) -> Batch | None:
    """Parse Lambda's report on a batch that it gave up on; None for any other text.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    """
    try:
        found: Any = json.loads(body)["DDBStreamBatchInfo"]
        arrived = found["approximateArrivalOfFirstRecord"], found["approximateArrivalOfLastRecord"]
        numbers = (
            str(found["startSequenceNumber"]),
            str(found["endSequenceNumber"]),
        )  # their leading zeros are significant
        if not all(map(str.isdecimal, numbers)):
            return None
        return Batch(
            str(found["streamArn"]), str(found["shardId"]), *numbers, int(found["batchSize"]),
            (str(arrived[0]), str(arrived[1])),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def take(batch: Batch, body: str, message_id: str) -> None:
    """Note the hours to recount, or record the lost changes; raises Unavailable."""
    if batch.table == settings.tasks_table():
        hours = _hours_of(batch)
        _note(hours)
        logger.error("task changes not counted", changes=batch.size, hours=sorted(hours))
        return
    message = wire.Message(task_id=message_id, name=ITEM_CHANGES)
    error = ChangesLost(
        f"{batch.size} changes of the inventory from {batch.arrived[0]} on could not be processed; saved query 6 says "
        "why. makertasks_sync --all finds what the site misses"
    )
    lifecycle.close(records.new(message, queue=ITEM_CHANGES, body=body), Status.FAILURE, error)
    logger.error("item changes lost", changes=batch.size, task_id=message_id)


def repair(seconds: float) -> int:
    """Recount the hours that are due, for at most `seconds`; returns their number. Raises Unavailable."""
    if doubtful := doubts.known():
        _note({f"{hour}#{name}" for hour, name in doubtful} - _noted().keys())
        doubts.forget(doubtful)
    noted = _noted()
    ends, done = time.monotonic() + seconds, 0
    for place, due in sorted(noted.items(), key=lambda entry: entry[1]):
        if due > clock.now().timestamp() or time.monotonic() >= ends:
            continue
        hour, _, name = place.partition("#")
        if repairing.repair(name, hour):
            del noted[place]
            done += 1
            logger.info("hour recounted", hour=hour, task_name=name)
        else:
            noted[place] = clock.now().timestamp() + BEHIND_SECONDS
        notes.put(NOTE, {"hours": noted})
    return done


def _note(places: set[str]) -> None:
    noted = _noted()
    due = clock.now().timestamp() + BEHIND_SECONDS
    noted |= dict.fromkeys(places, due)
    if len(noted) > MOST:
        logger.error("too many hours to recount individually; run: makertasks recount", hours=len(noted))
        noted = dict(list(noted.items())[:MOST])
    notes.put(NOTE, {"hours": noted})


def _noted() -> dict[str, float]:
    """Return the hours to recount as `{hour}#{task name}`, and when, in epoch seconds."""
    return {place: float(due) for place, due in ((notes.get(NOTE) or {}).get("hours") or {}).items()}


def _hours_of(batch: Batch) -> set[str]:
    """Return the hours and names of a batch's changes; if the stream no longer has them, all hours of its period."""
    images = [image for pair in streams.changes(batch.stream, batch.shard, batch.first, batch.last) for image in pair]
    found = {
        f"{image['created'][:13]}#{image['name']}"
        for image in images
        if image and isinstance(image.get("created"), str) and isinstance(image.get("name"), str)
    }
    if images:
        return found
    first, last = (clock.parse(moment) for moment in batch.arrived)
    hours = int((last - first).total_seconds() // 3600) + 2
    names = [task.name for task in tasks.discover().values()]
    return {f"{clock.text(first + timedelta(hours=number))[:13]}#{name}" for number in range(hours) for name in names}
