"""One run over the folders to which tasks write: deletes objects that no item and no task refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from makertasks import clock, tasks, wire
from makertasks.aws import bucket
from makertasks.aws.bucket import Listed
from makertasks.context import Continue, current
from makertasks.inventory import table as inventory
from makertasks.records import table as records

# Items name the objects in these folders. In others, an object belongs to the items and tasks whose ids its key has.
NAMED_BY_ITEMS = ("CACHE/", "index_cards/", "inventory/images/", "inventory/qrcodes/")
SHEETS = "index_cards/sheets/"
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Attributes of an item that are keys in the bucket.
NAMED = ("image", "site_image", "thumbnail", "qr_code", "index_card")

# Thumbnails made by django-imagekit on a site whose media are in the bucket: {image without its suffix}/{hash}.webp
SITE_THUMBNAILS = "CACHE/images/"

# With fewer seconds left, a run continues in another invocation: enough for one more page and the record.
MARGIN_SECONDS = 20.0
# Maximum number of removed keys that a result lists; it counts all of them.
MOST_SHOWN = 50


@dataclass
class Tally:
    """Progress and findings of a run; JSON, because another invocation may continue it."""

    after: str = ""
    looked_at: int = 0
    in_use: int = 0
    too_young: int = 0
    removed: int = 0
    removed_bytes: int = 0
    shown: list[str] = field(default_factory=list)


def run(older_than_days: int, *, dry_run: bool) -> dict[str, Any]:
    """Clean every folder; raises Continue when time runs out and TemporaryError if a service fails."""
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
    """Yield every item's id, every key that an item names, and the keys derived from these."""
    for item in inventory.every_item():
        yield item.item_id
        yield f"index_cards/card_{item.item_id}_blank.pdf"
        for name in NAMED:
            key = item.text(name) if isinstance(item, inventory.Broken) else getattr(item, name)
            if key:
                yield key
            if key and "image" in name:
                yield _thumbnails_of(key)


def _pages(after: str) -> Iterator[list[Listed]]:
    for folder in tasks.written_folders():  # sorted, so that another invocation can continue after the last key
        if after < folder or after.startswith(folder):
            yield from bucket.pages(folder, after if after.startswith(folder) else "")


def _orphans(page: list[Listed], named: set[str], oldest_kept: datetime, tally: Tally) -> list[Listed]:
    """Return the objects of one page that can be deleted, and count the others."""
    tally.looked_at += len(page)
    old = [each for each in page if each.modified < oldest_kept]
    tally.too_young += len(page) - len(old)
    known = named | _known_tasks([each.key for each in old])
    gone = [each for each in old if _is_orphan(each.key, known)]
    tally.in_use += len(old) - len(gone)
    return gone


def _is_orphan(key: str, known: set[str]) -> bool:
    """Return whether an object's key and the items and tasks that it belongs to are all unknown."""
    if key.startswith(SITE_THUMBNAILS):
        return key.rpartition("/")[0] not in known
    owners = _owners_of(key)
    return key not in known and not owners & known and bool(owners or key.startswith(NAMED_BY_ITEMS))


def _thumbnails_of(image: str) -> str:
    """Return the folder of an image's thumbnails on a site.

    >>> _thumbnails_of("inventory/images/D-1.png")
    'CACHE/images/inventory/images/D-1'
    """
    return f"{SITE_THUMBNAILS}{image.rpartition('.')[0] or image}"


def _known_tasks(keys: list[str]) -> set[str]:
    """Return the ids of the tasks that may have written these objects and still have a record."""
    ids = {task_id for key in keys for task_id in _owners_of(key)}
    return {record.task_id for record in records.get_many(wire.result_key(task_id) for task_id in ids).values()}


def _owners_of(key: str) -> set[str]:
    """Return the ids of the items and tasks that an object belongs to, according to its key.

    A sheet's name is the id of the task that drew it, followed by `-2` for a second part.

    >>> sorted(_owners_of("index_cards/sheets/a-2.pdf"))
    ['a', 'a-2']
    >>> _owners_of("labels/94cb6421-7fa1-4dab-802f-ec76eba2bfe7.txt")
    {'94cb6421-7fa1-4dab-802f-ec76eba2bfe7'}
    """
    if not key.startswith(SHEETS):
        return set() if key.startswith(NAMED_BY_ITEMS) else set(ID.findall(key))
    stem = key.removeprefix(SHEETS).removesuffix(".pdf")
    return {stem, re.sub(r"-[0-9]+\Z", "", stem)}
