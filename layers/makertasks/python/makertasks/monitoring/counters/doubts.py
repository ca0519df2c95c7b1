"""Hours that may have counted a change twice: they are noted, and the sweep recounts them.

They are in one cell of the counters table, which every function that counts may write.
"""

from __future__ import annotations

from collections.abc import Iterable

from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.monitoring.counters import cells as counters

KEY = ("doubts", "-")
Hour = tuple[str, str]  # `2026-11-22T09` and a task's name


def note(hours: Iterable[Hour]) -> None:
    """Note hours, unless they are noted already; raises Unavailable."""
    _change(add=[_key(hour) for hour in hours])


def known() -> set[Hour]:
    """Return the noted hours; raises Unavailable."""
    counters.connect()
    parts = (key.partition("#") for key in counters.read(*KEY).counts)
    return {(hour, name) for hour, _, name in parts}


def forget(hours: Iterable[Hour]) -> None:
    """Remove hours from the list; raises Unavailable."""
    _change(remove=[_key(hour) for hour in hours])


def _change(add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
    counters.connect()
    while True:
        cell = counters.read(*KEY)
        before = dict(cell.counts)
        wanted = {**before, **dict.fromkeys(add, 1)}
        for key in remove:
            wanted.pop(key, None)
        if wanted == before:
            return
        cell.counts = wanted
        try:
            with answering("the counters table could not be written"):
                cell.save()
        except ConditionFailed:
            continue
        return


def _key(hour: Hour) -> str:
    return "#".join(hour)
