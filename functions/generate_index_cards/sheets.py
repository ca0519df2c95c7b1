"""Draws many cards: one PDF, or several if one invocation is too short for all cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from makertasks.aws import bucket
from makertasks.context import Continue, current
from makertasks.errors import InvalidArguments, PermanentError, UnknownItem
from makertasks.media.cards.sheet import Sheets
from makertasks.media.cards.source import read_card
from makertasks.media.cards.stock import STOCKS, Stock

# Seconds reserved for writing and storing the PDF: 1,000 cards with images take less than 10 on half a processor.
CLOSING_SECONDS = 45
# Maximum number of warnings in a result; further ones are only counted.
MOST_WARNINGS = 100


@dataclass(frozen=True)
class Printing:
    """How to print: a stock's name, the used slots of the first sheet (from 1), and an offset in points."""

    name: str
    used: frozenset[int]
    shift: tuple[float, float]
    test_page: bool

    @property
    def stock(self) -> Stock:
        """The stock; raises InvalidArguments if it lacks a used slot, or if no slot is left."""
        stock = STOCKS[self.name]
        if self.used and max(self.used) > stock.slots:
            raise InvalidArguments(
                f"used, skip: {self.name} has {stock.slots} slots, there is no slot {max(self.used)}"
            )
        if len(self.used) == stock.slots:
            raise InvalidArguments(f"used, skip: all {stock.slots} slots of the first sheet are used; begin a new one")
        return stock

    def sheets(self, title: str, *, first_part: bool) -> Sheets:
        """Begin a PDF; only the first part of a job has used slots and a test page."""
        used = {slot - 1 for slot in self.used} if first_part else ()
        return Sheets(title, used, stock=self.stock, shift=self.shift, test_page=self.test_page and first_part)

    def pages(self, cards: int) -> int:
        """Return the number of pages for a number of cards, including a test page."""
        return -(-(cards + len(self.used)) // self.stock.slots) + self.test_page


def run(item_ids: Sequence[UUID], printing: Printing, *, blank: bool) -> dict[str, Any]:
    """Draw all cards; raises Continue at the end of a sheet when time runs out."""
    context = current()
    done = context.state or {"next": 0, "keys": [], "cards": 0, "warnings": [], "more_warnings": 0}
    first = int(done["next"])
    sheets = printing.sheets(f"Index cards: {len(item_ids)} items", first_part=first == 0)
    drawn = 0
    for number in range(first, len(item_ids)):
        context.checkpoint(number, len(item_ids))
        if drawn and sheets.at_page_end and context.remaining() < CLOSING_SECONDS:
            raise Continue(_store(sheets, done, context.task_id) | {"next": number})
        try:
            card = read_card(item_ids[number], blank=blank)
        except UnknownItem as error:
            _warn(done, item_ids[number], (str(error),))
            continue
        _warn(done, item_ids[number], sheets.add(card))
        drawn += 1
        done["cards"] += 1
    if not done["cards"]:
        raise PermanentError(f"item_ids: the inventory has none of these {len(item_ids)} items; nothing was drawn")
    if drawn:
        _store(sheets, done, context.task_id)
    context.checkpoint(len(item_ids), len(item_ids))
    return {
        "sheets": done["keys"],
        "cards": done["cards"],
        "pages": printing.pages(done["cards"]),
        "warnings": done["warnings"],
        "more_warnings": done["more_warnings"],
    }


def _warn(done: dict[str, Any], item_id: UUID, warnings: tuple[str, ...]) -> None:
    """Add an item's warnings to the result; beyond `MOST_WARNINGS` they are only counted."""
    for warning in warnings:
        if len(done["warnings"]) < MOST_WARNINGS:
            done["warnings"].append({"item_id": str(item_id), "warning": warning})
        else:
            done["more_warnings"] += 1


def _store(sheets: Sheets, done: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Store the PDF under the task's id and return `done` with its key; a second part has `-2` in its name."""
    part = len(done["keys"]) + 1
    key = f"index_cards/sheets/{task_id}{'' if part == 1 else f'-{part}'}.pdf"
    bucket.put(key, sheets.finish(), "application/pdf")
    done["keys"].append(key)
    return done
