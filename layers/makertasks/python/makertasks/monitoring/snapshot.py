"""A snapshot: what several parts of an answer need is read and summed up once for it, such as a period of the counters.

What it returns is shared: it must not be changed. Consistent reads are never answered from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar

Found = TypeVar("Found")
Key = tuple[str, ...]  # what was asked for, such as the sums of a day


class Snapshot:
    """Answers by what was asked for."""

    def __init__(self) -> None:
        self._found: dict[Key, Any] = {}
        self._locks: dict[Key, Lock] = {}

    def once(self, key: Key, read: Callable[[], Found]) -> Found:
        """Return the answer, which `read` returns at the first call; whoever asks meanwhile waits for it."""
        with self._locks.setdefault(key, Lock()):
            if key not in self._found:
                self._found[key] = read()
            answer: Found = self._found[key]
            return answer


_current: ContextVar[Snapshot | None] = ContextVar("snapshot", default=None)


@contextmanager
def taken() -> Iterator[None]:
    """Read each period once while this lasts; within a snapshot, that one goes on."""
    token = _current.set(_current.get() or Snapshot())
    try:
        yield
    finally:
        _current.reset(token)


def once(key: Key, read: Callable[[], Found]) -> Found:
    """Return what `read` returns; within a snapshot, what it returned at the first call with this key."""
    shared = _current.get()
    return read() if shared is None else shared.once(key, read)


def threads(number: int) -> ThreadPoolExecutor:
    """Return threads for concurrent requests, which share the snapshot of this context."""
    return ThreadPoolExecutor(number, initializer=_current.set, initargs=(_current.get(),))
