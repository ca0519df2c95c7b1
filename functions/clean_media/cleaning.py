"""One run over the folders that tasks write: what no item and no task refers to, goes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from makertasks import clock, wire
from makertasks.aws import bucket
from makertasks.aws.bucket import Listed
from makertasks.context import Continue, current
from makertasks.inventory import table as inventory
from makertasks.records import table as records

# In the order of their names, so that the last key of a run says where the next one goes on.
FOLDERS = ("CACHE/", "index_cards/", "inventory/images/", "inventory/qrcodes/")
SHEETS = "index_cards/sheets/"

# Below this many seconds a run hands over to a next invocation: enough for one more page and the record.
MARGIN_SECONDS = 20.0
# Removed keys that a result lists; the rest is counted.
MOST_SHOWN = 50


@dataclass
class Tally:
    """How far a run is, and what it found; JSON, because a next invocation goes on with it."""

    after: str = ""
    looked_at: int = 0
    in_use: int = 0
    too_young: int = 0
    removed: int = 0
    removed_bytes: int = 0
    shown: list[str] = field(default_factory=list)


def run(older_than_days: int, *, dry_run: bool) -> dict[str, Any]:
    """Clean every folder; raises Continue where time runs short and PassingError where a service refuses."""
    context = current()
    tally = Tally(**context.state)
    oldest_kept = clock.now() - timedelta(days=older_than_days)
    named = set(_named())
    for page in _pages(tally.after):
        gone = _orphans(page, named, oldest_kept, tally)
        if not dry_run:
            bucket.delete_many([each.key for each in gone])
        tally.removed += len(gone)
        tally.removed_bytes += sum(each.size for each in gone)
        tally.shown += [each.key for each in gone][: MOST_SHOWN - len(tally.shown)]
        tally.after = page[-1].key
        context.checkpoint(tally.looked_at, tally.looked_at)
        if context.remaining() < MARGIN_SECONDS:
            raise Continue(asdict(tally))
    found = asdict(tally)
    del found["after"]
    return found | {"dry_run": dry_run}


def _named() -> Iterator[str]:
    """Every key that an item names, and those that always lie beside them."""
    for item in inventory.every_item():
        yield from filter(None, (item.image, item.thumbnail, item.qr_code, item.index_card))
        yield f"index_cards/card_{item.item_id}_blank.pdf"
        if item.qr_code:
            yield re.sub(r"\.png$", ".svg", item.qr_code)


def _pages(after: str) -> Iterator[list[Listed]]:
    for folder in FOLDERS:
        if after < folder or after.startswith(folder):
            yield from bucket.pages(folder, after if after.startswith(folder) else "")


def _orphans(page: list[Listed], named: set[str], oldest_kept: datetime, tally: Tally) -> list[Listed]:
    """The objects of one page that are to go."""
    tally.looked_at += len(page)
    old = [each for each in page if each.modified < oldest_kept]
    tally.too_young += len(page) - len(old)
    tasks = _known_tasks([each.key for each in old if each.key.startswith(SHEETS)])
    gone = [each for each in old if each.key not in named and not tasks & _tasks_of(each.key)]
    tally.in_use += len(old) - len(gone)
    return gone


def _known_tasks(sheets: list[str]) -> set[str]:
    """Of the tasks that drew these sheets, those that have a record."""
    ids = {task_id for key in sheets for task_id in _tasks_of(key)}
    return {record.task_id for record in records.get_many(wire.result_key(task_id) for task_id in ids).values()}


def _tasks_of(key: str) -> set[str]:
    """The task that drew a sheet: its name is the task's id, with `-2` behind it for a second part.

    >>> sorted(_tasks_of("index_cards/sheets/a-2.pdf"))
    ['a', 'a-2']
    """
    if not key.startswith(SHEETS):
        return set()
    stem = key.removeprefix(SHEETS).removesuffix(".pdf")
    return {stem, re.sub(r"-\d+$", "", stem)}
