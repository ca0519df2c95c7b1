"""What this environment has read of past hours: a search of the last day reads its index and finished tasks once.

Nothing that a list filters or sorts by changes once a task is finished. What a page shows is read again, so that a
deleted task is not shown and a retried one names its retry. An hour's entries are read again once its counters have
changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from makertasks import clock, settings
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

# A task's position in every list: its time of creation, then the table's key.
Place = tuple[str, str]
# Of the counters of an hour: grows with each change; and the number of tasks that they tell.
Version = tuple[int, int]

# Several days of a busy makerspace, about 40 MB at most.
MOST_RECORDS = 5_000
# Bytes of a result and an error above which a record is not kept.
MOST_BYTES = 2_000

# Entries of indexes, about 50 MB at most.
MOST_ENTRIES = 200_000

_kept: dict[str, TaskRecord] = {}
_entries: dict[str, tuple[Version, list[Place]]] = {}
_table: list[str] = []
_keeping = Lock()  # they are read concurrently


def entries(key: str, version: Version, read: Callable[[], list[Place]]) -> list[Place]:
    """Return entries of an index, which `read` returns, for as long as their hour's counters have this version.

    They are not kept if there are more or less of them than were counted: the index lags behind, or the counters do.
    """
    _of_this_table()
    held = _entries.get(key)
    if held is not None and held[0] == version:
        return held[1]
    found = read()
    with _keeping:
        _entries.pop(key, None)
        if len(found) == version[1]:
            _entries[key] = (version, found)
        while sum(len(each) for _, each in _entries.values()) > MOST_ENTRIES:
            del _entries[next(iter(_entries))]
    return found


def get_many(keys: Sequence[str]) -> tuple[dict[str, TaskRecord], set[str]]:
    """Return the records with these keys that exist, and the keys that were read now; raises Unavailable."""
    _of_this_table()
    present = clock.now()
    known = {key: record for key in keys if (record := _kept.get(key)) and (record.ttl is None or record.ttl > present)}
    missing = {key for key in keys if key not in known}
    read = records.get_many(missing) if missing else {}
    _kept.update((key, record) for key, record in read.items() if _may_be_kept(record))
    while len(_kept) > MOST_RECORDS:
        del _kept[next(iter(_kept))]
    return known | read, missing


def forget() -> None:
    """Read everything again."""
    _kept.clear()
    _entries.clear()


def _may_be_kept(record: TaskRecord) -> bool:
    return record.is_final and len(record.result) + len(record.error_message or "") <= MOST_BYTES


def _of_this_table() -> None:
    if _table != [settings.tasks_table()]:
        forget()
        _table[:] = [settings.tasks_table()]
