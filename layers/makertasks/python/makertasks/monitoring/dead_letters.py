"""Dead letters that were not sent again: found among the failures, as the pages and the command line count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from makertasks import clock, tasks
from makertasks.monitoring import listing
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# How far back dead letters are looked for, and among how many failures: ten requests of a hundred records.
LOOKED_BACK = timedelta(days=14)
MOST_FAILURES = 1000
MOST_LETTERS = 100


def not_redriven(queue: str) -> tuple[list[TaskRecord], bool]:
    """A queue's dead letters that were not sent again, newest first, a hundred at most; and whether that is all.

    Found among the newest thousand failures of the last 14 days. Raises Unavailable.
    """
    found: list[TaskRecord] = []
    complete = True
    for letters, is_last in _pages():
        complete = is_last
        found += [letter for letter in letters if letter.queue == queue]
        if len(found) > MOST_LETTERS:
            break
    return found[:MOST_LETTERS], complete and len(found) <= MOST_LETTERS


def counts() -> Counter[str]:
    """How many dead letters of each queue were not sent again, found as above; raises Unavailable."""
    return Counter(str(letter.queue) for letters, _ in _pages() for letter in letters)


def _pages() -> Iterator[tuple[list[TaskRecord], bool]]:
    """The dead letters of every queue, newest first, and each time whether these are the last."""
    wanted = listing.Filter(status=Status.FAILURE, created_from=clock.text(clock.now() - LOOKED_BACK))
    names = list(tasks.discover())
    cursor: str | None = None
    for _ in range(MOST_FAILURES // listing.MAXIMUM_LIMIT):
        page = listing.page(wanted, limit=listing.MAXIMUM_LIMIT, cursor=cursor, names=names)
        cursor = page.cursor
        yield [letter for letter in page.records if letter.body and not letter.retried_to], cursor is None
        if cursor is None:
            return
