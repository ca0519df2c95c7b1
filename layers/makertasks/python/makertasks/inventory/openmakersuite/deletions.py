"""The mark of an object that OpenMakerSuite deleted: it holds the time, so that no older state is imported later.

Changes arrive as files and in any order, and a dump may be older than a deletion: an object with a mark is imported
again only if it was changed after that time.
"""

from __future__ import annotations

from datetime import datetime

from makertasks import clock
from makertasks.inventory.model import Entry, Reference


def mark_key(model: str, number: str) -> tuple[str, str]:
    """The key of an object's mark."""
    return f"deleted#{model}#{number}", "reference"


def mark(model: str, number: str, moment: str) -> Entry:
    """The mark of an object that was deleted at `moment`, ISO 8601."""
    owner, entry = mark_key(model, number)
    return Reference(owner, entry, name=moment)


def is_gone(entry: Entry, found: Entry | None) -> bool:
    """Return whether an object was deleted after this state; a state without a time of change is older."""
    deleted = clock.parsed(found.name) if isinstance(found, Reference) else None
    if deleted is None:
        return False
    changed = _changed(entry)
    return changed is None or changed <= deleted


def outlives(stored: Entry, moment: str) -> bool:
    """Whether an entry of the table was changed after a deletion, so that it must have been created again."""
    changed = _changed(stored)
    return changed is not None and changed > clock.parse(moment)


def _changed(entry: Entry) -> datetime | None:
    """Return the time of an entry's state: when the live site read it, otherwise when the row was changed."""
    return clock.parsed(entry.as_of) or clock.parsed(getattr(entry, "updated_at", None))
