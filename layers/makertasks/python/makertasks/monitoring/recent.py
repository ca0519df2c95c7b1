"""What this environment has read of past hours: a search of the last day reads its index and finished tasks once.

Nothing that a list filters or sorts by changes once a task is finished. What a page shows is read again, so that a
deleted task is not shown and a retried one names its retry. An hour's entries are read again once the counters have
another number of tasks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from makertasks import clock, settings
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

# A task's position in every list: its time of creation, then the table's key.
Place = tuple[str, str]

# Several days of a busy makerspace, about 40 MB at most.
MOST_RECORDS = 5_000
# Bytes of a result and an error above which a record is not kept.
MOST_BYTES = 2_000

# Entries of indexes, about 50 MB at most.
MOST_ENTRIES = 200_000

_kept: dict[str, TaskRecord] = {}
_partitions: dict[str, tuple[int, list[Place]]] = {}
_table: list[str] = []
_keeping = Lock()  # partitions are read concurrently


def partition(key: str, tasks: int, read: Callable[[], list[Place]]) -> list[Place]:
    """Return a partition's entries, which `read` returns, for as long as it has this number of tasks."""
    _of_this_table()
    held = _partitions.get(key)
    if held is None or held[0] != tasks:
        held = (tasks, read())
        with _keeping:
            _partitions[key] = held
            while sum(len(entries) for _, entries in _partitions.values()) > MOST_ENTRIES:
                del _partitions[next(iter(_partitions))]
    return held[1]


def get_many(keys: Sequence[str]) -> tuple[dict[str, TaskRecord], int]:
    """Return the records with these keys that exist, and how many of them were read; raises Unavailable."""
    _of_this_table()
    present = clock.now()
    known = {key: record for key in keys if (record := _kept.get(key)) and (record.ttl is None or record.ttl > present)}
    missing = [key for key in keys if key not in known]
    read = records.get_many(missing) if missing else {}
    _kept.update((key, record) for key, record in read.items() if _may_be_kept(record))
    while len(_kept) > MOST_RECORDS:
        del _kept[next(iter(_kept))]
    return known | read, len(missing)


def forget() -> None:
    """Read everything again."""
    _kept.clear()
    _partitions.clear()


def _may_be_kept(record: TaskRecord) -> bool:
    return record.is_final and len(record.result) + len(record.error_message or "") <= MOST_BYTES


def _of_this_table() -> None:
    if _table != [settings.tasks_table()]:
        forget()
        _table[:] = [settings.tasks_table()]
