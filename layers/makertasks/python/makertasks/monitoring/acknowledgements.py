"""Causes of failure that somebody has looked at: who, when and with which note, and whether the cause is muted.

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
    """Who looked at a cause of failure, when, and what they noted."""

    who: str
    when: str
    note: str
    muted: bool


class Looked(Table):
    """One cause as the table keeps it."""

    period = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    who = UnicodeAttribute()
    moment = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    muted = BooleanAttribute(default=False)


def acknowledge(fingerprint: str, *, who: str, note: str = "", muted: bool = False) -> Acknowledgement:
    """Note that somebody has looked at a cause's failures until now, with `muted` also at later ones.

    Raises Unavailable.
    """
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
    """Whether somebody has looked at a failure of that moment."""
    return acknowledgement is not None and (acknowledgement["muted"] or moment <= acknowledgement["when"])


def _connect() -> None:
    Looked.bind(settings.counters_table())


def _shown(looked: Looked) -> Acknowledgement:
    return {"who": looked.who, "when": looked.moment, "note": looked.note or "", "muted": looked.muted}
