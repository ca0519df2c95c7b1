"""Items that were read together for the tasks of one batch. `table.get_item` hands each of them out once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from makertasks.inventory.model import Entry

_held: dict[str, Entry] = {}


@contextmanager
def holding(items: Iterable[Entry]) -> Iterator[None]:
    """Hold items while the body runs; who asks for one a second time reads it anew."""
    _held.update({str(item.owner): item for item in items})
    try:
        yield
    finally:
        _held.clear()


def take(owner: str) -> Entry | None:
    """The item under this key, if it is held; it is not held any more then."""
    return _held.pop(owner, None)
