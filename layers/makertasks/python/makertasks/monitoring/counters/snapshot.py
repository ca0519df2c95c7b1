"""A snapshot of the counters: within it, each period is read once, however many parts of a page ask for it.

Consistent reads are never answered from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from makertasks.monitoring.counters.cells import CounterCell

Key = tuple[str, str]  # a period, and the hour or day within it


class Snapshot:
    """Cells by what was asked for."""

    def __init__(self) -> None:
        self._found: dict[Key, list[CounterCell]] = {}
        self._locks: dict[Key, Lock] = {}

    def cells(self, key: Key, read: Callable[[], list[CounterCell]]) -> list[CounterCell]:
        """Return the cells, which `read` returns at the first call; whoever asks meanwhile waits for its answer."""
        with self._locks.setdefault(key, Lock()):
            if key not in self._found:
                self._found[key] = read()
            return self._found[key]


_current: ContextVar[Snapshot | None] = ContextVar("snapshot", default=None)


@contextmanager
def taken() -> Iterator[None]:
    """Read each period once while this lasts; within a snapshot, that one goes on."""
    token = _current.set(_current.get() or Snapshot())
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Snapshot | None:
    """Return the snapshot of this context, None outside of one."""
    return _current.get()


def threads(number: int) -> ThreadPoolExecutor:
    """Return threads for concurrent requests, which share the snapshot of this context."""
    return ThreadPoolExecutor(number, initializer=_current.set, initargs=(_current.get(),))
