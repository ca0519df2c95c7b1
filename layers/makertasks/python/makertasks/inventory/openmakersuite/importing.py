"""Imports OpenMakerSuite's objects into the inventory table: whole dumps, or single objects as they change.

Each object is compared with the table; only attributes that OpenMakerSuite owns are written, and only where they
differ. Results of tasks stay: images and QR codes are only added where there is none, or removed if the site had them
and removed them; measured lead times are kept. An object older than the table's is ignored. An object deleted by a
live OpenMakerSuite is removed and leaves a mark, so that no older state of it is imported later.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from makertasks.errors import TemporaryError
from makertasks.inventory import table as inventory
from makertasks.inventory.openmakersuite import dumps
from makertasks.inventory.openmakersuite.deletions import is_gone, mark, mark_key, outlives
from makertasks.inventory.openmakersuite.differences import FILLED, confirmation, difference, is_older
from makertasks.inventory.openmakersuite.dumps import DumpObject
from makertasks.inventory.openmakersuite.entries import entries_of
from makertasks.inventory.openmakersuite.parsing import Parsed, Refused, parse
from makertasks.inventory.openmakersuite.references import Key, References, needs, needs_of
from makertasks.inventory.openmakersuite.report import Report
from makertasks.inventory.table import Change, Entry, Item

# Objects compared and written together. An object becomes at most two entries, a deletion removes two entries and
# writes a mark, and a DynamoDB transaction has at most 100 actions.
CHUNK_OBJECTS = inventory.TRANSACTION_ENTRIES // 2
CHUNK_DELETIONS = inventory.TRANSACTION_ENTRIES // 3

# A transaction has at most 4 MB, and a character at most 4 bytes: a chunk ends with the object that reaches this.
CHUNK_LETTERS = 700_000

# DynamoDB's maximum item size is 400 KB, including indexes.
MAXIMUM_LETTERS = 90_000

# Maximum number of reads of a chunk while others write the same entries, and the first pause in seconds.
LOOKS = 6
FIRST_PAUSE = 0.05


@dataclass(frozen=True)
class Planned:
    """One object that becomes entries; the main one comes first.

    `deleted`: the time of deletion, else None. `related`: included because others in the file refer to it; unchanged.
    `applied`: the versions of images and QR codes that the site had before it removed them.
    """

    source: DumpObject
    model: str
    number: str
    letters: int
    entries: list[Entry]
    deleted: str | None
    related: bool = False
    applied: Mapping[str, int] = field(default_factory=dict)


def survey(
    objects: Iterable[DumpObject], find: Callable[[Iterable[Key]], dict[Key, Entry]] = inventory.find
) -> References:
    """Read everything once: collect the objects that others may refer to, missing ones from the table by `find`.

    Raises whatever `objects` raises, so that nothing is written from a broken dump.
    """
    references, needed = References(), set[Key]()
    for each in objects:
        references.objects += 1
        try:
            parsed = parse(each.value)
        except Refused as refused:  # reported when the objects are read the second time
            references.refuse(each, str(refused))
            continue
        if parsed is not None:
            references.collect(parsed, each)
            needed.update(needs(parsed))
    references.learn_newer(find(references.ordered()))
    missing = needed - references.known.keys()
    while missing:
        found = find(missing)
        references.learn(found)
        missing = needs_of(found.values()) - references.known.keys()
    references.learn(find(references.incomplete_items()))
    references.arrange()
    return references


def bring_in(
    objects: Iterable[DumpObject], references: References, report: Report, has_media: Callable[[str], bool]
) -> Iterator[None]:
    """Write the objects in order, keeping `report` up to date, and yield after each chunk that was written.

    `has_media` says whether the bucket has a key. Raises TemporaryError where DynamoDB refuses; chunks already written
    stay, and importing the same objects again finds them unchanged.
    """
    planned = plan(objects, references, report)
    while chunk := _chunk(planned):
        _write(chunk, report, has_media)
        yield


def skipping(stream: BinaryIO, number: int) -> Iterator[DumpObject]:
    """The objects of a dump after the first `number`."""
    return itertools.islice(dumps.read(stream), number, None)


def plan(objects: Iterable[DumpObject], references: References, report: Report) -> Iterator[Planned]:
    """Turn objects into entries; those that cannot be imported are counted in `report`."""
    for each in objects:
        report.objects += 1
        try:
            parsed = parse(each.value)
            if parsed is None:
                report.pass_over(each.value["model"])
                continue
            references.check_first(parsed, each.number)
            letters = _checked_letters(parsed)
            entries = [Entry(*key) for key in parsed.entries] or entries_of(parsed, references)
        except Refused as refused:
            report.refuse(each, str(refused))
            continue
        if entries:
            entries[0].as_of = parsed.as_of
            yield Planned(
                each, parsed.model, parsed.number, letters, entries, parsed.deleted, parsed.related, parsed.applied
            )
        else:
            report.pass_over(f"{parsed.model} without an item")


def _checked_letters(parsed: Parsed) -> int:
    letters = sum(len(value) for value in parsed.raw.values() if isinstance(value, str))
    if letters > MAXIMUM_LETTERS:
        raise Refused(f"its texts have {letters} characters; the limit is {MAXIMUM_LETTERS}")
    return letters


def _chunk(planned: Iterator[Planned]) -> list[Planned]:
    chunk: list[Planned] = []
    letters, most = 0, CHUNK_OBJECTS
    while len(chunk) < most and letters < CHUNK_LETTERS:
        try:
            chunk.append(next(planned))
        except StopIteration:
            break
        letters += chunk[-1].letters
        if chunk[-1].deleted:
            most = CHUNK_DELETIONS
    return chunk


def _write(chunk: list[Planned], report: Report, has_media: Callable[[str], bool]) -> None:
    """Write a chunk; if DynamoDB cannot store one of its objects, that one is refused and the others are written."""
    try:
        _write_together(chunk, report, has_media)
    except inventory.Unstorable as error:
        if len(chunk) == 1:
            report.refuse(chunk[0].source, str(error))
            return
        for planned in chunk:
            _write([planned], report, has_media)


def _write_together(chunk: list[Planned], report: Report, has_media: Callable[[str], bool]) -> None:
    """Compare a chunk with the table and write the differences, all or nothing."""
    keys = [_key(entry) for planned in chunk for entry in planned.entries]
    for look in range(LOOKS):
        stored = _find(chunk, keys)
        for planned in chunk:
            report.media_missing += drop_missing_media(planned.entries[0], stored, has_media)
        outcomes = [outcome_of(planned, stored) for planned in chunk]
        new = [entry for outcome in outcomes for entry in outcome.new]
        changes = [change for outcome in outcomes for change in outcome.changes]
        gone = [entry for outcome in outcomes for entry in outcome.gone]
        if not (new or changes or gone) or inventory.transact(new, changes, gone):
            for planned, outcome in zip(chunk, outcomes, strict=True):
                report.count(planned.model, outcome.name)
                report.older += outcome.older
            return
        time.sleep(FIRST_PAUSE * 2**look * random.uniform(0.5, 1.5))  # noqa: S311 - spreads retries, guards nothing
    raise TemporaryError(
        f"others kept changing the inventory while {keys[0][0]} was imported; the import continues later"
    )


def _find(chunk: list[Planned], keys: list[Key]) -> dict[Key, Entry]:
    """Return a chunk's entries in the table, and the deletion marks of those that are missing or to be deleted."""
    stored = inventory.find(keys)
    marked = [planned for planned in chunk if planned.deleted or _key(planned.entries[0]) not in stored]
    return stored | inventory.find(mark_key(planned.model, planned.number) for planned in marked)


@dataclass(frozen=True)
class Outcome:
    """The writes for one object, and its outcome: created, changed, deleted or unchanged."""

    name: str
    new: list[Entry] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    gone: list[Entry] = field(default_factory=list)
    older: bool = False


def outcome_of(planned: Planned, stored: dict[Key, Entry]) -> Outcome:
    """Return the outcome of one object, compared with the table."""
    own = planned.entries[0]
    there, marked = stored.get(_key(own)), stored.get(mark_key(planned.model, planned.number))
    if planned.deleted:
        return _deletion(planned, planned.deleted, stored, marked)
    if is_gone(own, marked) if there is None else is_older(own, there):
        return Outcome("unchanged", older=True)
    new = [entry for entry in planned.entries if _key(entry) not in stored]
    pairs = [(entry, stored[_key(entry)]) for entry in planned.entries if _key(entry) in stored]
    changes = [change for entry, old in pairs if (change := difference(entry, old, planned.applied)) is not None]
    if there is None:
        return Outcome("created", new, changes)
    if new or changes:
        return Outcome("changed", new, changes)
    confirmed = None if planned.related else confirmation(own, there)
    return Outcome("unchanged", changes=[confirmed] if confirmed else [])


def _deletion(planned: Planned, moment: str, stored: dict[Key, Entry], marked: Entry | None) -> Outcome:
    there = [stored[_key(entry)] for entry in planned.entries if _key(entry) in stored]
    if any(outlives(entry, moment) for entry in there):
        return Outcome("unchanged", older=True)
    new = [] if marked else [mark(planned.model, planned.number, moment)]
    return Outcome("deleted" if there else "unchanged", new, gone=there)


def _key(entry: Entry) -> Key:
    return str(entry.owner), str(entry.entry)


def drop_missing_media(entry: Entry, stored: dict[Key, Entry], has_media: Callable[[str], bool]) -> int:
    """Leave out pictures that the table already has or the bucket lacks; returns the number the bucket lacks."""
    missing = 0
    there = stored.get(_key(entry))
    for name in FILLED if isinstance(entry, Item) else ():
        key = getattr(entry, name)
        if key and (there is None or getattr(there, name, None) is None) and not has_media(key):
            setattr(entry, name, None)
            missing += 1
    return missing
