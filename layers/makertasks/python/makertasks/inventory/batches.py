"""Items that were read together for the tasks of one batch. `table.get_item` hands each of them out once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from makertasks.inventory.model import Entry

_held: dict[str, Entry] = {}
# Names of items that were read lately, by key: a task's record keeps that of its item without another read.
_names: dict[str, str] = {}
MOST_NAMES = 1000


def note_name(owner: str, name: str) -> None:
    """Keep the name of an item that was read."""
    if len(_names) >= MOST_NAMES:
        _names.clear()
    _names[owner] = name


def name_of(owner: str) -> str:
    """The name of an item as it was last read here, empty if it was not."""
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
    """The item under this key, if it is held; it is not held any more then."""
    return _held.pop(owner, None)
