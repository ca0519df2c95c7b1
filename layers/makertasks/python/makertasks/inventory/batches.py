"""Items read together for the tasks of one batch. `table.get_item` returns each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from makertasks.inventory.model import Entry

_held: dict[str, Entry] = {}
# Names of recently read items, by key: a task's record gets its item's name without another read.
_names: dict[str, str] = {}
MOST_NAMES = 1000


def note_name(owner: str, name: str) -> None:
    """Remember the name of an item that was read."""
    if len(_names) >= MOST_NAMES:
        _names.clear()
    _names[owner] = name


def name_of(owner: str) -> str:
    """The name of an item as last read here; empty if it has not been read."""
    return _names.get(owner, "")


@contextmanager
def holding(items: Iterable[Entry]) -> Iterator[None]:
    """Hold items while the body runs; a second request for an item reads it again."""
    _held.update({str(item.owner): item for item in items})
    try:
        yield
    finally:
        _held.clear()


def take(owner: str) -> Entry | None:
    """Return the item with this key and stop holding it; None if it is not held."""
    return _held.pop(owner, None)
