"""Dead letters that were not sent again, as the pages and the command line count them."""

from __future__ import annotations

from makertasks import wire
from makertasks.records import letters
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

counts = letters.counts

MOST_LETTERS = 100  # of a queue that are shown, or sent again, at a time: one BatchGetItem


def not_redriven(queue: str) -> tuple[list[TaskRecord], bool]:
    """A queue's dead letters that were not sent again, newest first, a hundred at most; and whether that is all.

    What has been deleted or sent again meanwhile is taken out of the list. Raises Unavailable.
    """
    listed = [letter for letter in letters.listed() if letter.queue == queue]
    shown = listed[:MOST_LETTERS]
    stored = records.get_many(wire.result_key(letter.task_id) for letter in shown)
    found: list[TaskRecord] = []
    for letter in shown:
        record = stored.get(wire.result_key(letter.task_id))
        if record is not None and record.body and not record.retried_to:
            found.append(record)
        else:
            letters.discard(letter)
    return found, len(listed) <= MOST_LETTERS
