"""What a counter's cell remembers of the events it has counted, so that one that comes again counts once. Pure.

Lambda hands a shard's stream records over one batch after another. After a failure some come again: as the same batch,
in smaller pieces, or with more around them. Hence each event is remembered by itself, for as long as it may come again.

All shards of the stream share a cell's memory, because a record does not name its shard. One shard whose batch is
retried for minutes may therefore find its events forgotten, pushed out by the other shards' batches. Such an event is
as old as what was forgotten, which is how `counting` knows that it cannot know, and has the hour counted anew.

The form is a list of batches, oldest first, each with the digests of its events one after another, and then two bytes
for the moment of its newest event, in seconds of 18 hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

# The last batches are remembered whole, at least this many: several for each of a new table's four stream shards.
BATCHES = 16
# Where batches are small, at least this many events are remembered: a cell of 1 KB costs one write unit.
EVENTS = 56
# Bytes of a digest: with two thousand remembered, one event in a hundred thousand million is taken for another.
DIGEST_BYTES = 6
# Bytes of the moment of a batch's newest event: seconds, which start over after 18 hours.
MOMENT_BYTES = 2
MOMENTS = 256**MOMENT_BYTES


def unseen(remembered: Sequence[bytes], events: Sequence[str]) -> list[int]:
    """The indexes of those events that are not remembered, each event once.

    >>> unseen(remember([], ["a", "b"])[0], ["b", "c", "c", "d"])
    [1, 3]
    """
    known = {
        batch[start : start + DIGEST_BYTES]
        for batch in remembered
        for start in range(0, number_of(batch) * DIGEST_BYTES, DIGEST_BYTES)
    }
    first: dict[bytes, int] = {}
    for index, event in enumerate(events):
        first.setdefault(_digest(event), index)
    return [index for digest, index in first.items() if digest not in known]


def remember(
    remembered: Sequence[bytes], events: Sequence[str], most: int = BATCHES, moment: int = 0
) -> tuple[list[bytes], list[bytes]]:
    """What is remembered once a batch of events was counted, and what is forgotten for it: the oldest beyond `most`.

    `moment` is when the newest of the events happened, in epoch seconds; 0 where that is not known.
    """
    at = (moment % MOMENTS).to_bytes(MOMENT_BYTES, "big") if moment else b""
    batches, forgotten = [*remembered, b"".join(map(_digest, events)) + at], list[bytes]()
    while len(batches) > most and sum(map(number_of, batches)) > EVENTS:
        forgotten.append(batches.pop(0))
    return batches, forgotten


def number_of(batch: bytes) -> int:
    """How many events a remembered batch has."""
    return len(batch) // DIGEST_BYTES


def moment_of(batch: bytes, latest: int) -> int:
    """When the newest event of a remembered batch happened, at most 18 hours before `latest`; 0 where nobody knows.

    >>> moment_of(remember([], ["a"], moment=1_000_000)[0][0], 1_000_030)
    1000000
    """
    at = batch[number_of(batch) * DIGEST_BYTES :]
    return latest - (latest - int.from_bytes(at, "big")) % MOMENTS if at else 0


def _digest(event: str) -> bytes:
    return hashlib.blake2b(event.encode(), digest_size=DIGEST_BYTES).digest()
