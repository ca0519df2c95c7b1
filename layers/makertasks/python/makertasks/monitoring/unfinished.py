"""The unfinished tasks in the status index: a snapshot reads them once, for the running and for the waiting ones."""

from __future__ import annotations

from dataclasses import dataclass

from makertasks.aws.dynamodb import answering
from makertasks.monitoring import snapshot
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

# Entries of a partition that are read: usually all of them.
MOST = 100
# Concurrent queries; they wait for the network, not for the processor.
AT_A_TIME = 4


@dataclass(frozen=True, order=True)
class Entry:
    """An entry; `id` is the table's key."""

    created: str
    id: str
    name: str
    eta: str | None


@dataclass(frozen=True)
class Partition:
    """A partition's oldest entries, oldest first, and whether those are all."""

    key: str
    entries: list[Entry]
    is_complete: bool


def partitions() -> list[Partition]:
    """Return the beginning of each partition with unfinished tasks; raises Unavailable."""
    return snapshot.once(("unfinished",), _partitions)


def _partitions() -> list[Partition]:
    with snapshot.threads(AT_A_TIME) as pool:
        return list(pool.map(_partition, records.active_keys()))


def _partition(key: str) -> Partition:
    records.connect()
    with answering("the tasks table did not respond"):
        found = TaskRecord.by_status.query(key, limit=MOST)
        entries = sorted(Entry(each.created, each.id, each.name, each.eta) for each in found)
    return Partition(key, entries, found.last_evaluated_key is None)
