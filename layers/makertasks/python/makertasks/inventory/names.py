"""Finds items by any part of their names, ignoring case and accents: "glasses" finds "Safety glasses, clear".

DynamoDB has no full-text search, so a function keeps the names of all items in memory, in the order of the `items`
index. It reads them for the first search and again once they are older than `KEPT`: most searches need no request for
names, and a new name is found within a minute. 10,000 names take two requests and about 150 read units, a
five-hundredth of a cent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from unicodedata import combining, normalize

from makertasks import clock, settings
from makertasks.aws.dynamodb import answering
from makertasks.errors import TemporaryError
from makertasks.inventory.model import Item
from makertasks.inventory.table import ItemList, connect, decode_cursor, encode_cursor, page_of

# How long the names in memory are used before they are read again.
KEPT = timedelta(minutes=1)

# Letters that Unicode does not decompose into a letter and an accent.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})

# Hexadecimal text of at least this many characters may be the beginning of an id.
_ID = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


@dataclass(frozen=True)
class Name:
    """An item's name as it is searched and sorted; `owner` is its partition key."""

    text: str
    sort_name: str
    owner: str


@dataclass(frozen=True)
class Names:
    """The names of all items of one table, sorted, as read at one moment."""

    table: str
    read: datetime
    names: list[Name]

    @property
    def is_fresh(self) -> bool:
        """Whether these names may still be used."""
        return self.table == settings.inventory_table() and timedelta() <= clock.now() - self.read < KEPT


_kept: list[Names] = []


def search(text: str, limit: int, cursor: str | None = None) -> ItemList:
    """Return a page of the items whose names contain every word of `text`, names that begin with it first.

    The first characters of an id find its item, too. Raises InvalidRequest for an invalid cursor, and TemporaryError.
    """
    wanted = folded(text).strip()
    connect()
    found = sorted((_rank(name.text, wanted), name.sort_name, name.owner) for name in _matching(wanted))
    if cursor:
        last = decode_cursor(cursor)
        place = (_rank(folded(last["sort_name"]["S"]), wanted), last["sort_name"]["S"], last["owner"]["S"])
        found = [each for each in found if each > place]
    shown = found[:limit]
    following = encode_cursor(*shown[-1][1:]) if len(found) > limit else None
    return page_of([(owner, "item") for _, _, owner in shown], following)


def folded(text: str) -> str:
    """Return text for comparison: without case, accents and variants of the same letter.

    >>> folded("Straße"), folded("Ｍ３ Écrou"), folded("Smørebrød ﬁne")
    ('strasse', 'm3 ecrou', 'smorebrod fine')
    """
    if text.isascii():
        return text.lower()
    letters = normalize("NFKD", text).casefold()
    return "".join(letter for letter in normalize("NFKD", letters) if not combining(letter)).translate(_PLAIN)


def forget() -> None:
    """Read the names again for the next search."""
    _kept.clear()


def _matching(wanted: str) -> Iterator[Name]:
    words = wanted.split()
    item_id = f"item#{wanted}" if _ID.fullmatch(wanted) else None
    for name in _current():
        if all(word in name.text for word in words) or (item_id and name.owner.startswith(item_id)):
            yield name


def _rank(name: str, wanted: str) -> int:
    """Return 0 for a name that begins with the text, 1 for one with a word that begins with it, otherwise 2."""
    return 0 if name.startswith(wanted) else 1 if f" {wanted}" in name else 2


def _current() -> list[Name]:
    if not _kept or not _kept[0].is_fresh:
        read = clock.now()
        _kept[:] = [Names(settings.inventory_table(), read, list(_read()))]
    return _kept[0].names


def _read() -> Iterator[Name]:
    """Every item's name, from the index, one megabyte per request; raises TemporaryError."""
    with answering("the inventory table did not respond", raises=TemporaryError):
        for item in Item.items.query("item", attributes_to_get=["kind", "sort_name", "owner", "entry"]):
            yield Name(folded(str(item.sort_name)), str(item.sort_name), str(item.owner))
