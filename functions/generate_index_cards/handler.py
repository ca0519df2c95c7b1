"""Lambda function of `inventory.tasks.generate_index_cards`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from makertasks.tasks import ItemId, task
from makertasks.worker.handler import lambda_handler

MOST_CARDS = 1000
MOST_SLOTS = 100  # slots on a sheet, more than any stock has
FARTHEST = 72.0  # points

Items = Annotated[list[ItemId], Meta(min_length=1, max_length=MOST_CARDS)]
StockName = Annotated[
    Literal[
        "avery-5388", "avery-5160", "avery-5163", "a4-2x4", "a4-3x8", "a4-3x7", "avery-l7159",
        "brother-62x100", "brother-62x29", "dymo-89x36", "dymo-89x28",
    ],
    Meta(description="Sheet or roll to print on"),
]  # fmt: skip
Skip = Annotated[
    int, Meta(ge=0, le=MOST_SLOTS - 1, description="Number of used slots on the first sheet, counted from its top")
]
Used = Annotated[
    list[Annotated[int, Meta(ge=1, le=MOST_SLOTS)]],
    Meta(max_length=MOST_SLOTS, description="Used slots of the first sheet, counted row by row from 1"),
]
Offset = Annotated[float, Meta(ge=-FARTHEST, le=FARTHEST, description="Moves the print, in points")]


@task(
    "inventory.tasks.generate_index_cards",
    writes=("index_cards/",),
    example={"item_ids": ["b3515d30-e44f-455a-a04a-d4199241840e", "2e7661b6-6bec-46f0-ab31-64c5ec355590"], "skip": 1},
)
def generate_index_cards(
    item_ids: Items,
    blank: bool = False,
    skip: Skip = 0,
    stock: StockName = "avery-5388",
    used: Used = [],  # noqa: B006 - never mutated, and the schema shows it
    offset_right: Offset = 0.0,
    offset_down: Offset = 0.0,
    test_page: bool = False,
) -> dict[str, Any]:
    """Draw the index cards or labels of up to 1,000 items as one PDF; blank ones have only the QR code.

    Reads each item, its supplier links and its image; writes `index_cards/sheets/{task id}.pdf` and changes no item.
    `skip` and `used` keep slots of the first sheet free; the offsets move the print, and a test page before the cards
    shows whether it is aligned. Unknown items are skipped, with a warning in the result. When time runs out, the
    finished sheets are stored and another invocation continues with `{task id}-2.pdf`. Raises PermanentError if none of
    the items exists, and TemporaryError if a service fails.
    """
    from . import sheets  # loaded on the first run: the API imports this module only to learn the signature

    printing = sheets.Printing(stock, frozenset({*range(1, skip + 1), *used}), (offset_right, offset_down), test_page)
    return sheets.run(item_ids, printing, blank=blank)


handler = lambda_handler(generate_index_cards)
