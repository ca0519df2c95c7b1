"""Simulates a burst of tasks on a model of DynamoDB's partitions: how long it takes, and how many tasks are lost.

    burst(100_000, shards=1)

A partition accepts 1,000 write units a second. A record is written if its own partition and those of its index entries
have capacity left, and retried otherwise, with the pauses of `submission/bulk.py`. The model has no burst capacity and
does not split hot partitions; both make AWS faster.
"""

from __future__ import annotations

import heapq
import random
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from makertasks.records.table import ACTIVE_SHARDS
from makertasks.submission.bulk import BATCH_RECORDS, FIRST_WAIT, LONGEST_WAIT, MAXIMUM_TASKS, PATIENCE_SECONDS, THREADS

UNITS_A_SECOND = 1_000  # of one partition, see capacity.LIMITS
NEW_TABLE = 4  # partitions of a new table, which accepts 4,000 write units a second
REQUEST_SECONDS = 0.02  # assumed: one BatchWriteItem of 25
WORKERS_A_SECOND = 2_000.0  # tasks that functions can finish in a second, unless the table throttles them


@dataclass
class Partition:
    """Write capacity, which is refilled over time, up to one second's worth."""

    room: float = UNITS_A_SECOND
    at: float = 0.0

    def at_time(self, moment: float) -> float:
        """Refill the capacity up to that time and return it."""
        self.room = min(UNITS_A_SECOND, self.room + (moment - self.at) * UNITS_A_SECOND)
        self.at = moment
        return self.room


@dataclass
class Burst:
    """The outcome of a burst."""

    recorded: int = 0
    lost: int = 0
    offers: int = 0
    recorded_after: float = 0.0  # seconds
    ended_after: float = 0.0


@dataclass
class _Table:
    shards: int
    partitions: dict[str, Partition] = field(default_factory=dict)

    def takes(self, keys: list[str], moment: float) -> bool:
        """Write one unit under each key if all their partitions have capacity; return whether they had."""
        found = [self.partitions.setdefault(key, Partition()) for key in keys]
        if any(partition.at_time(moment) < 1 for partition in found):
            return False
        for partition in found:
            partition.room -= 1
        return True

    def keys(self, task_id: str, *, ends: bool) -> list[str]:
        """Return the partitions to which a task's first record or its end is written; all tasks share name and hour."""
        digest = zlib.crc32(task_id.encode())
        spread = f"SUCCESS#{digest % self.shards}" if ends else f"name#{digest % self.shards}"
        return [f"table#{digest % NEW_TABLE}", f"ACTIVE#{digest % (ACTIVE_SHARDS * self.shards)}", spread]


def burst(tasks: int, *, shards: int, patience: float = PATIENCE_SECONDS, seed: int = 1) -> Burst:
    """Simulate submitting tasks in successive calls of 10,000 while functions run the recorded ones."""
    chance, table, result = random.Random(seed), _Table(shards), Burst()  # noqa: S311 - a simulation
    ids = [f"{chance.getrandbits(128):032x}" for _ in range(tasks)]
    recorded: deque[str] = deque()
    moment = 0.0
    for start in range(0, tasks, MAXIMUM_TASKS):
        call = ids[start : start + MAXIMUM_TASKS]
        batches = iter([call[at : at + BATCH_RECORDS] for at in range(0, len(call), BATCH_RECORDS)])
        moment = _call(table, batches, recorded, result, moment, moment + patience, chance)
    result.recorded_after = moment
    while recorded:
        moment += 0.1
        _end(table, recorded, moment, 0.1)
    result.ended_after = moment
    return result


def _call(
    table: _Table, batches: Iterator[list[str]], recorded: deque[str], result: Burst,
    moment: float, ends: float, chance: random.Random,
) -> float:  # fmt: skip
    """Simulate one call of `submit_many` and return the time of its end."""
    waiting: list[tuple[float, int, list[str], float]] = []
    for thread in range(THREADS):
        if (batch := next(batches, None)) is not None:
            heapq.heappush(waiting, (moment, thread, batch, FIRST_WAIT))
    last = moment
    while waiting:
        present, thread, batch, wait = heapq.heappop(waiting)
        _end(table, recorded, present, present - last)
        last, result.offers = present, result.offers + 1
        left = [task_id for task_id in batch if not table.takes(table.keys(task_id, ends=False), present)]
        recorded += [task_id for task_id in batch if task_id not in set(left)]
        result.recorded += len(batch) - len(left)
        after = present + REQUEST_SECONDS
        if left and after + wait > ends:
            result.lost, left = result.lost + len(left), []
        if left:
            again = after + wait * chance.uniform(0.5, 1)
            heapq.heappush(waiting, (again, thread, left, min(wait * 2, LONGEST_WAIT)))
        elif (following := next(batches, None)) is not None:
            heapq.heappush(waiting, (after, thread, following, FIRST_WAIT))
    return last + REQUEST_SECONDS


def _end(table: _Table, recorded: deque[str], moment: float, seconds: float) -> None:
    """Finish as many tasks as functions can in these seconds and the table accepts; the others wait."""
    for _ in range(min(len(recorded), int(seconds * WORKERS_A_SECOND) + 1)):
        if not table.takes(table.keys(recorded[0], ends=True), moment):
            return
        recorded.popleft()
