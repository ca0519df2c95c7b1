"""Groups and chords in the tasks table: a saved group and the counter of its parts, as Celery's backend keeps them.

    b'celery-taskset-meta-{group id}'   result: the tree of the group's tasks
    b'chord-unlock-{group id}'          chord_count: how many parts have ended

A stock client writes both before it sends a chord, and a stock worker counts up the same number, so a chord may run on
both kinds of worker. A part that runs here also leaves its mark on the counter, in the same write: a part that is
delivered twice counts once.
"""

from __future__ import annotations

import hashlib
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
from pynamodb.expressions.update import Action

from makertasks import clock, settings, wire
from makertasks.aws.dynamodb import ConditionFailed, Missing, Table, answering
from makertasks.errors import MakertasksError
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.wire.results import Tree

# Bytes of a part's mark. The counter's item holds 400 KB, so about 40,000 parts; at that number two marks are alike
# with a chance of one in ten thousand million.
MARK_BYTES = 8
# How long an ended chord stays, so that a part delivered once more finds it.
KEPT = timedelta(days=15)  # a message lives 14 days


class ChordError(MakertasksError):
    """A part of the chord failed, so its body never runs."""


class _Item(Table):
    """What both kinds of item have: the key and, for Celery, the time of the first write."""

    id = UnicodeAttribute(hash_key=True)
    timestamp = NumberAttribute(null=True)
    ttl = TTLAttribute(null=True)


class SavedGroup(_Item):
    """The tasks of a group."""

    result: Attribute[bytes] = BinaryAttribute(legacy_encoding=False)


class PartCounter(_Item):
    """How many parts of a chord have ended."""

    chord_count = NumberAttribute(default=0)
    marks = BinarySetAttribute(legacy_encoding=False, null=True)


def begin(chord: wire.StartedChord) -> None:
    """Save a chord's group and set its counter to 0, where that is not done yet; raises Unavailable."""
    _connect()
    moment = int(clock.now().timestamp())
    group = SavedGroup(wire.group_key(chord.group_id), result=wire.group_meta(chord.group), timestamp=moment)
    for item in (group, PartCounter(wire.chord_key(chord.group_id), timestamp=moment)):
        with suppress(ConditionFailed), answering("the tasks table did not take a write"):
            item.save(condition=type(item).id.does_not_exist())


def save(group_id: str, tree: Tree) -> None:
    """Save a group, in place of one of that id; raises Unavailable."""
    _connect()
    group = SavedGroup(wire.group_key(group_id), result=wire.group_meta(tree), timestamp=int(clock.now().timestamp()))
    with answering("the tasks table did not take a write"):
        group.save()


def count(group_id: str, task_id: str) -> int:
    """Count a part that has ended, once; answers how many have. 0 where the chord is over. Raises Unavailable."""
    _connect()
    counter = PartCounter(wire.chord_key(group_id))
    mark = hashlib.sha256(task_id.encode()).digest()[:MARK_BYTES]
    actions: list[Action] = [PartCounter.chord_count.set(PartCounter.chord_count + 1), PartCounter.marks.add({mark})]
    try:
        with answering("the tasks table did not take a write"):
            counter.update(actions, PartCounter.id.exists() & ~PartCounter.marks.contains(mark))
    except ConditionFailed:
        return _counted(group_id)
    return int(counter.chord_count)


def group_of(group_id: str) -> Tree:
    """The tree of a saved group; raises ChordError where there is none, Malformed and Unavailable."""
    _connect()
    try:
        with answering("the tasks table did not answer"):
            saved = SavedGroup.get(wire.group_key(group_id), consistent_read=True)
    except Missing as error:
        raise ChordError(f"GroupResult {group_id} no longer exists") from error
    return wire.parse_group_meta(saved.result)


def records_of(task_ids: list[str]) -> dict[str, TaskRecord]:
    """The records of those tasks that have one, by task id, read consistently; raises Unavailable."""
    records.connect()
    keys = {wire.result_key(task_id): task_id for task_id in task_ids}
    with answering("the tasks table did not answer"):
        return {keys[record.id]: record for record in TaskRecord.batch_get(list(keys), consistent_read=True)}


def end(group_id: str) -> None:
    """Let an ended chord's items go after a while; raises Unavailable."""
    _connect()
    gone = clock.now() + KEPT
    for item, kind in (
        (SavedGroup(wire.group_key(group_id)), SavedGroup),
        (PartCounter(wire.chord_key(group_id)), PartCounter),
    ):
        with suppress(ConditionFailed), answering("the tasks table did not take a write"):
            item.update([kind.ttl.set(gone)], kind.id.exists())


def _counted(group_id: str) -> int:
    try:
        with answering("the tasks table did not answer"):
            return int(PartCounter.get(wire.chord_key(group_id), consistent_read=True).chord_count)
    except Missing:
        return 0


def _connect() -> None:
    for model in (SavedGroup, PartCounter):
        model.bind(settings.tasks_table())
