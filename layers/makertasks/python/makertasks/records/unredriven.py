"""Unredriven dead letters: one small item lists them, so that counting them is one read.

Each entry of its string set is `{created}|{queue}|{task id}`: adding or removing one twice changes nothing, and sorting
orders them by age.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pynamodb.attributes import UnicodeAttribute, UnicodeSetAttribute
from pynamodb.expressions.condition import size

from makertasks import settings
from makertasks.aws.dynamodb import ConditionFailed, Missing, Table, answering
from makertasks.records.model import TaskRecord

logger = logging.getLogger(__name__)  # clients import this module, and have no Powertools

KEY = "dead-letters#unredriven"
# An item holds 400 KB, and a task's id may have 255 bytes. Further dead letters are only in the list of failures.
MOST = 1_000


class Unredriven(Table):
    """The item, in the tasks table."""

    id = UnicodeAttribute(hash_key=True)
    letters = UnicodeSetAttribute(null=True)


@dataclass(frozen=True, order=True)
class DeadLetter:
    """A dead letter."""

    created: str
    queue: str
    task_id: str

    @classmethod
    def of(cls, record: TaskRecord) -> DeadLetter:
        """Return the entry of a dead letter's record."""
        return cls(record.created, str(record.queue), record.task_id)

    def __str__(self) -> str:
        """Return the entry as the set holds it."""
        return f"{self.created}|{self.queue}|{self.task_id}"


def add(letter: DeadLetter) -> None:
    """Add a dead letter, unless there are too many already; raises Unavailable."""
    few = Unredriven.letters.does_not_exist() | (size("letters") < MOST)
    try:
        with _answering():
            Unredriven(KEY).update(actions=[Unredriven.letters.add({str(letter)})], condition=few)
    except ConditionFailed:
        logger.warning("too many dead letters to count task %s", letter.task_id)


def discard(letter: DeadLetter) -> None:
    """Remove a dead letter, if it is listed; raises Unavailable."""
    with _answering():
        Unredriven(KEY).update(actions=[Unredriven.letters.delete({str(letter)})])


def listed() -> list[DeadLetter]:
    """Return all dead letters, newest first; raises Unavailable."""
    try:
        with _answering():
            found = Unredriven.get(KEY, consistent_read=True).letters or set()
    except Missing:
        return []
    return sorted((DeadLetter(*entry.split("|", 2)) for entry in found), reverse=True)


def counts() -> Counter[str]:
    """Return the number of dead letters by queue; raises Unavailable."""
    return Counter(letter.queue for letter in listed())


@contextmanager
def _answering() -> Iterator[None]:
    Unredriven.bind(settings.tasks_table())
    with answering("the tasks table did not respond"):
        yield
