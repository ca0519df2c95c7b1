"""Lambda function of `inventory.tasks.generate_index_card`."""

from __future__ import annotations

from typing import Any

from makertasks.aws import bucket
from makertasks.inventory import table as inventory
from makertasks.tasks import ItemId, task
from makertasks.worker.handler import lambda_handler


@task(
    "inventory.tasks.generate_index_card",
    writes=("index_cards/",),
    example={"item_id": "b3515d30-e44f-455a-a04a-d4199241840e", "blank": False},
)
def generate_index_card(item_id: ItemId, blank: bool = False) -> dict[str, Any]:
    """Draw an item's index card (Avery 5388) as PDF; a blank card has only the QR code.

    Reads the item, its supplier links and its image; writes `index_cards/card_{id}.pdf` and, if it differs, the item's
    `index_card`. A blank card is `index_cards/card_{id}_blank.pdf`, and the item does not change. The result's warnings
    name what the card could not show. Raises UnknownItem, or TemporaryError if a service fails.
    """
    # Loaded on the first run: the API imports this module only to learn the signature.
    from makertasks.media.cards.sheet import Sheets
    from makertasks.media.cards.source import read_card

    card = read_card(item_id, blank=blank)
    sheets = Sheets(f"Index card: {card.name}")
    warnings = sheets.add(card)
    body = sheets.finish()
    key = f"index_cards/card_{item_id}{'_blank' if blank else ''}.pdf"
    bucket.put(key, body, "application/pdf")
    if not blank and inventory.get_item(item_id).index_card != key:
        inventory.update_item(item_id, index_card=key)
    return {"index_card": key, "bytes": len(body), "warnings": list(warnings)}


handler = lambda_handler(generate_index_card)
