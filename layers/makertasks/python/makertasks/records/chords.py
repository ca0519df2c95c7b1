"""Groups and chords in the tasks table: a saved group and the counter of its parts, as Celery's backend keeps them.

    b'celery-taskset-meta-{group id}'   result: the tree of the group's tasks
    b'chord-unlock-{group id}'          chord_count: how many parts have finished

A stock client writes both before it sends a chord, and a stock worker increments the same number, so a chord may run on
both kinds of worker. A part that runs here also leaves its mark, in the same write, so a part that is delivered twice
counts once. The first marks are in the counter itself, which costs nothing; those of a large chord are separate items,
so that the counter's size, and with it a write's price and duration, does not grow with the parts.

    b'chord-unlock-{group id}'-{part}   that a part of a large chord was counted
"""

from __future__ import annotations

import hashlib
import random
import time
from contextlib import suppress
from datetime import timedelta

from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    BinarySetAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
)
from pynamodb.expressions.condition import size
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from makertasks import clock, settings, wire
from makertasks.aws.dynamodb import Busy, ConditionFailed, Missing, Table, answering
from makertasks.errors import MakertasksError, Unavailable
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.wire.results import Tree

# Bytes of a part's mark: the probability that two of 40,000 parts have the same is 1 in 10,000,000,000.
MARK_BYTES = 8
# Maximum number of marks in the counter itself, which then stays below 1 KB, one write unit.
MARKS_INSIDE = 90
# Parts that finish at the same moment write the same counter; conflicting transactions are retried.
TRIES = 20
# How long a finished chord is kept, so that a redelivered part finds it.
KEPT = timedelta(days=15)  # a message is kept for 14 days


class ChordError(MakertasksError):
    """A part of the chord failed, so its body never runs."""


class _Item(Table):
    """Attributes of both kinds of item: the key and, for Celery, the time of the first write."""

    id = UnicodeAttribute(hash_key=True)
    timestamp = NumberAttribute(null=True)
    ttl = TTLAttribute(null=True)


class SavedGroup(_Item):
    """The tasks of a group."""

    result: Attribute[bytes] = BinaryAttribute(legacy_encoding=False)


class PartCounter(_Item):
    """The number of a chord's finished parts."""

    chord_count = NumberAttribute(default=0)
    marks = BinarySetAttribute(legacy_encoding=False, null=True)


class Mark(_Item):
    """The mark of a counted part of a large chord."""


def begin(chord: wire.StartedChord) -> None:
    """Save a chord's group and set its counter to 0, unless that is done already; raises Unavailable."""
    _connect()
    moment = int(clock.now().timestamp())
    group = SavedGroup(wire.group_key(chord.group_id), result=wire.group_meta(chord.group), timestamp=moment)
    for item in (group, PartCounter(wire.chord_key(chord.group_id), timestamp=moment)):
        with suppress(ConditionFailed), answering("the tasks table could not be written"):
            item.save(condition=type(item).id.does_not_exist())


def save(group_id: str, tree: Tree) -> None:
    """Save a group, replacing one with the same id; raises Unavailable."""
    _connect()
    group = SavedGroup(wire.group_key(group_id), result=wire.group_meta(tree), timestamp=int(clock.now().timestamp()))
    with answering("the tasks table could not be written"):
        group.save()


def count(group_id: str, task_id: str) -> int:
    """Count a finished part once; returns the number of finished parts, 0 if the chord is over. Raises Unavailable."""
    _connect()
    counter = PartCounter(wire.chord_key(group_id))
    mark = hashlib.sha256(task_id.encode()).digest()[:MARK_BYTES]
    actions: list[Action] = [PartCounter.chord_count.set(PartCounter.chord_count + 1), PartCounter.marks.add({mark})]
    few = PartCounter.marks.does_not_exist() | (size("marks") < MARKS_INSIDE)
    try:
        with answering("the tasks table could not be written"):
            counter.update(actions, PartCounter.id.exists() & ~PartCounter.marks.contains(mark) & few)
    except (ConditionFailed, Busy):
        return _count_outside(group_id, mark)
    return int(counter.chord_count)


def _count_outside(group_id: str, mark: bytes) -> int:
    """Count a part whose mark is a separate item, unless it is counted already or the chord is over."""
    own = Mark(f"{wire.chord_key(group_id)}-{mark.hex()}", ttl=clock.now() + KEPT)
    for attempt in range(TRIES):
        counter = _counter(group_id)
        if counter is None or mark in (counter.marks or set()) or (attempt and _is_marked(own.id)):
            break
        if attempt:  # another part finished at the same moment
            time.sleep(random.uniform(0, 0.02 * 2.0 ** min(attempt, 6)))  # noqa: S311 - no secret
        with suppress(ConditionFailed):
            _add(counter, own)
            break
    else:
        raise Unavailable(f"too many parts of the chord {group_id} finish at once")
    return _counted(group_id)


def _add(counter: PartCounter, own: Mark) -> None:
    """Count one part and write its mark in one transaction; raises ConditionFailed and Unavailable."""
    one_more = PartCounter.chord_count.set(PartCounter.chord_count + 1)
    with (
        answering("the tasks table could not be written"),
        TransactWrite(connection=PartCounter._get_connection().connection) as transaction,  # noqa: SLF001 - PynamoDB's own way
    ):
        transaction.save(own, condition=Mark.id.does_not_exist())
        transaction.update(counter, [one_more], condition=PartCounter.id.exists())


def _is_marked(key: str) -> bool:
    try:
        with answering("the tasks table did not respond"):
            Mark.get(key, consistent_read=True)
    except Missing:
        return False
    return True


def group_of(group_id: str) -> Tree:
    """Return the tree of a saved group; raises ChordError if there is none, Malformed and Unavailable."""
    _connect()
    try:
        with answering("the tasks table did not respond"):
            saved = SavedGroup.get(wire.group_key(group_id), consistent_read=True)
    except Missing as error:
        raise ChordError(f"GroupResult {group_id} no longer exists") from error
    return wire.parse_group_meta(saved.result)


def records_of(task_ids: list[str]) -> dict[str, TaskRecord]:
    """Return the tasks' existing records by task id, read consistently; raises Unavailable."""
    records.connect()
    keys = {wire.result_key(task_id): task_id for task_id in task_ids}
    with answering("the tasks table did not respond"):
        return {keys[record.id]: record for record in TaskRecord.batch_get(list(keys), consistent_read=True)}


def end(group_id: str) -> None:
    """Make a finished chord's items expire; raises Unavailable."""
    _connect()
    gone = clock.now() + KEPT
    for item, kind in (
        (SavedGroup(wire.group_key(group_id)), SavedGroup),
        (PartCounter(wire.chord_key(group_id)), PartCounter),
    ):
        with suppress(ConditionFailed), answering("the tasks table could not be written"):
            item.update([kind.ttl.set(gone)], kind.id.exists())


def _counter(group_id: str) -> PartCounter | None:
    try:
        with answering("the tasks table did not respond"):
            return PartCounter.get(wire.chord_key(group_id), consistent_read=True)
    except Missing:
        return None


def _counted(group_id: str) -> int:
    counter = _counter(group_id)
    return 0 if counter is None else int(counter.chord_count)


def _connect() -> None:
    for model in (SavedGroup, PartCounter, Mark):
        model.bind(settings.tasks_table())
