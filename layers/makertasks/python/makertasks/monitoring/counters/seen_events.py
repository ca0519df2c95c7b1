"""What a counter's cell remembers of the events it has counted, so that one that comes again counts once. Pure.

Lambda hands a shard's stream records over one batch after another. After a failure some come again: as the same batch,
in smaller pieces, or with more around them. Hence each event is remembered by itself, for as long as it may come again.

The form is a list of batches, oldest first, each with the digests of its events one after another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

# The last batches are remembered whole, at least this many: one for each shard of the table's stream is enough.
BATCHES = 16
# Where batches are small, so many events are remembered: a cell stays below 1 KB then, which costs one write unit.
EVENTS = 64
# Bytes of a digest: with two thousand remembered, one event in a hundred thousand million is taken for another.
DIGEST_BYTES = 6


def unseen(remembered: Sequence[bytes], events: Sequence[str]) -> list[int]:
    """The places of those events that are not remembered, each event once.

    >>> unseen(remember([], ["a", "b"]), ["b", "c", "c", "d"])
    [1, 3]
    """
    known = {
        batch[start : start + DIGEST_BYTES] for batch in remembered for start in range(0, len(batch), DIGEST_BYTES)
    }
    first: dict[bytes, int] = {}
    for place, event in enumerate(events):
        first.setdefault(_digest(event), place)
    return [place for digest, place in first.items() if digest not in known]


def remember(remembered: Sequence[bytes], events: Sequence[str], most: int = BATCHES) -> list[bytes]:
    """What is remembered once a batch of events was counted; the oldest batches go where there are more than `most`."""
    batches = [*remembered, b"".join(map(_digest, events))]
    while len(batches) > most and sum(map(len, batches)) > EVENTS * DIGEST_BYTES:
        del batches[0]
    return batches


def _digest(event: str) -> bytes:
    return hashlib.blake2b(event.encode(), digest_size=DIGEST_BYTES).digest()
