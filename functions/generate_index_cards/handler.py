"""Lambda function of `inventory.tasks.generate_index_cards`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from makertasks.tasks import ItemId, task
from makertasks.worker.handler import lambda_handler

MOST_CARDS = 1000

Items = Annotated[list[ItemId], Meta(min_length=1, max_length=MOST_CARDS)]
# How many cards of the first sheet are used up already.
Skip = Annotated[int, Meta(ge=0, le=2)]


@task(
    "inventory.tasks.generate_index_cards",
    writes=("index_cards/",),
    example={"item_ids": ["b3515d30-e44f-455a-a04a-d4199241840e", "2e7661b6-6bec-46f0-ab31-64c5ec355590"], "skip": 1},
)
def generate_index_cards(item_ids: Items, blank: bool = False, skip: Skip = 0) -> dict[str, Any]:
    """Draw the index cards of up to 1,000 items as one PDF, three a sheet; blank ones show the QR code alone.

    Reads each item, its supplier links and its image; writes `index_cards/sheets/{task id}.pdf` and changes no item.
    Unknown items are left out, with a warning in the result. Where time runs short, the sheets done are stored and a
    next invocation goes on with `{task id}-2.pdf`. Raises PermanentError where there is no item to draw, and
    PassingError where a service refuses.
    """
    from . import sheets  # loaded on the first run: the API imports this module only to learn the signature

    return sheets.run(item_ids, blank=blank, skip=skip)


handler = lambda_handler(generate_index_cards)
