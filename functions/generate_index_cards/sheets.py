"""A job over many cards: one PDF, or several where one invocation is not long enough for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from makertasks.aws import bucket
from makertasks.context import Continue, current
from makertasks.errors import PermanentError, UnknownItem
from makertasks.media.cards.sheet import CARDS_A_PAGE, Sheets
from makertasks.media.cards.source import read_card

# Seconds kept for writing and storing the PDF: 1,000 cards with images take less than 10 on half a processor.
CLOSING_SECONDS = 45
# Warnings that a result lists; the rest is counted.
MOST_WARNINGS = 100


def run(item_ids: Sequence[UUID], *, blank: bool, skip: int) -> dict[str, Any]:
    """Draw all cards; raises Continue at a sheet's end where time runs short."""
    context = current()
    done = context.state or {"next": 0, "keys": [], "cards": 0, "warnings": [], "more_warnings": 0}
    first = int(done["next"])
    sheets = Sheets(f"Index cards: {len(item_ids)} items", skip if first == 0 else 0)
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
        "pages": -(-(done["cards"] + skip) // CARDS_A_PAGE),
        "warnings": done["warnings"],
        "more_warnings": done["more_warnings"],
    }


def _warn(done: dict[str, Any], item_id: UUID, warnings: tuple[str, ...]) -> None:
    """Put an item's warnings into the result; those above the limit are counted."""
    for warning in warnings:
        if len(done["warnings"]) < MOST_WARNINGS:
            done["warnings"].append({"item_id": str(item_id), "warning": warning})
        else:
            done["more_warnings"] += 1


def _store(sheets: Sheets, done: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Store the PDF under the task's id; a second part has `-2` in its name."""
    part = len(done["keys"]) + 1
    key = f"index_cards/sheets/{task_id}{'' if part == 1 else f'-{part}'}.pdf"
    bucket.put(key, sheets.finish(), "application/pdf")
    done["keys"].append(key)
    return done
