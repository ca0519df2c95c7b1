"""Single runtimes of a counters cell, kept while they are few: percentiles of them are exact, and steps are not.

Four bytes a run, in milliseconds, so that a full list adds 400 bytes to its cell.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

MOST = 100
_CODE = "I"


def added(kept: bytes | None, counted: int, seconds: float) -> bytes | None:
    """Return the list with one more run, None if it would not hold every run of the cell, of which `counted` were.

    >>> read(added(added(None, 0, 0.2), 1, 1.5))
    [0.2, 1.5]
    >>> added(None, 1, 0.2) is None  # the run before is not known
    True
    """
    runs = array(_CODE, kept or b"")
    if len(runs) != counted or counted >= MOST:
        return None
    runs.append(min(max(round(seconds * 1000), 0), 2**32 - 1))
    return runs.tobytes()


def joined(kept: bytes | None, counted: int, other: bytes | None, others: int, sign: int = 1) -> bytes | None:
    """Return the runs of two cells, with sign -1 those of the first without the second's; None if they are not known.

    >>> read(joined(added(None, 0, 0.2), 1, added(None, 0, 1.5), 1))
    [0.2, 1.5]
    >>> read(joined(joined(added(None, 0, 0.2), 1, added(None, 0, 1.5), 1), 2, added(None, 0, 0.2), 1, -1))
    [1.5]
    """
    mine, theirs = Counter(array(_CODE, kept or b"")), Counter(array(_CODE, other or b""))
    if mine.total() != counted or theirs.total() != others or (sign < 0 and not theirs <= mine):
        return None
    both = mine + theirs if sign > 0 else mine - theirs
    return array(_CODE, sorted(both.elements())).tobytes() or None if both.total() <= MOST else None


def read(kept: bytes | None) -> list[float]:
    """Return the runs in seconds."""
    return [run / 1000 for run in array(_CODE, kept or b"")]


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest run that is not exceeded by a share of all.

    >>> percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.95), percentile([7], 0.5)
    (2, 4, 7)
    """
    place = -(-len(ordered) * round(share * 1000) // 1000)  # rounded up
    return ordered[max(place, 1) - 1]
