"""What stays of an object that OpenMakerSuite deleted: a mark with the time, so that nothing older brings it back.

Changes arrive as files and in any order, and a dump may be older than a deletion: an object whose mark is there is
taken up again only where it was changed after that time.
"""

from __future__ import annotations

from makertasks import clock
from makertasks.inventory.model import Entry, Reference


def mark_key(model: str, number: str) -> tuple[str, str]:
    """Where the mark of an object stands."""
    return f"deleted#{model}#{number}", "reference"


def mark(model: str, number: str, moment: str) -> Entry:
    """The mark of an object that was deleted at `moment`, ISO 8601."""
    owner, entry = mark_key(model, number)
    return Reference(owner, entry, name=moment)


def is_gone(entry: Entry, found: Entry | None) -> bool:
    """Whether an object was deleted after this state of it; one that does not say when it was changed stays deleted."""
    if not isinstance(found, Reference) or found.name is None:
        return False
    changed = _changed(entry)
    return changed is None or clock.parse(changed) <= clock.parse(found.name)


def outlives(stored: Entry, moment: str) -> bool:
    """Whether an entry of the table was changed after a deletion: then it was made anew."""
    changed = _changed(stored)
    return changed is not None and clock.parse(changed) > clock.parse(moment)


def _changed(entry: Entry) -> str | None:
    """Up to when an entry's state is known: what a live site says, else the row's own time of change."""
    return entry.as_of or getattr(entry, "updated_at", None)
