"""Acknowledged causes of failure: by whom, when, with which note, and whether the cause is muted.

    period (partition)   cell (sort)
    acknowledged         {fingerprint}

In the counters table. An acknowledgement covers the failures until its moment; a mute covers later ones, too.
"""

from __future__ import annotations

from typing import TypedDict

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from makertasks import clock, masking, settings
from makertasks.aws.dynamodb import Table, answering

PERIOD = "acknowledged"
NOTE_CHARACTERS = 500


class Acknowledgement(TypedDict):
    """An acknowledgement of a cause of failure."""

    who: str
    when: str
    note: str
    muted: bool


class Looked(Table):
    """A cause as it is stored."""

    period = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    who = UnicodeAttribute()
    moment = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    muted = BooleanAttribute(default=False)


def acknowledge(fingerprint: str, *, who: str, note: str = "", muted: bool = False) -> Acknowledgement:
    """Acknowledge a cause's failures so far, with `muted` also later ones. Raises Unavailable."""
    _connect()
    looked = Looked(PERIOD, fingerprint, who=who, moment=clock.text(clock.now()), muted=muted)
    looked.note = masking.text(note.strip())[:NOTE_CHARACTERS] or None
    with answering("the acknowledgement could not be written"):
        looked.save()
    return _shown(looked)


def by_cause() -> dict[str, Acknowledgement]:
    """Return every acknowledged cause by its fingerprint; raises Unavailable."""
    _connect()
    with answering("the acknowledgements could not be read"):
        return {looked.cell: _shown(looked) for looked in Looked.query(PERIOD)}


def covers(acknowledgement: Acknowledgement | None, moment: str) -> bool:
    """Return whether a failure at that moment is acknowledged."""
    return acknowledgement is not None and (acknowledgement["muted"] or moment <= acknowledgement["when"])


def _connect() -> None:
    Looked.bind(settings.counters_table())


def _shown(looked: Looked) -> Acknowledgement:
    return {"who": looked.who, "when": looked.moment, "note": looked.note or "", "muted": looked.muted}
