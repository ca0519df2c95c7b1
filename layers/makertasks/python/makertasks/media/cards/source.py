"""Reads the content of a card: the item with its supplier links, and its image from the bucket."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from makertasks import settings
from makertasks.aws import bucket
from makertasks.errors import NotFound
from makertasks.inventory import table as inventory
from makertasks.media.cards.content import Card, card_of
from makertasks.media.cards.photo import Photo, printable
from makertasks.media.pictures import MAX_BYTES, UnusablePicture
from makertasks.media.qr_codes import scan_url


def read_card(item_id: UUID, *, blank: bool = False) -> Card:
    """The card of an item, by one Query and at most two reads from the bucket.

    If the image is missing or unreadable, the card has none, and a warning. Raises UnknownItem, or TemporaryError where
    a service refuses.
    """
    page = inventory.get_item_page(item_id)
    photo, warnings = (None, ()) if blank else _photo_of(page.item)
    card = card_of(page.item, page.suppliers, scan_url(settings.frontend_url(), item_id), photo, blank=blank)
    return replace(card, warnings=(*card.warnings, *warnings))


def _photo_of(item: inventory.Item) -> tuple[Photo | None, tuple[str, ...]]:
    """The item's thumbnail or else its image, and warnings for any that could not be used."""
    warnings: list[str] = []
    for key in filter(None, (item.thumbnail, item.image)):
        try:
            return printable(bucket.get(key, maximum=MAX_BYTES).body), tuple(warnings)
        except UnusablePicture as error:
            warnings.append(f"not on the card: {key} {error}")
        except (NotFound, ValueError) as error:  # ValueError: too many bytes
            warnings.append(f"not on the card: {error}")
    return None, tuple(warnings)
