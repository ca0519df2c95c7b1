"""Names and thumbnails of items, as lists show them: those of a whole page are read together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from makertasks.aws.dynamodb import answering
from makertasks.errors import TemporaryError
from makertasks.inventory.model import Entry, Item
from makertasks.inventory.table import connect, owner_of


class Face(NamedTuple):
    """An item's name and thumbnail in a list; `thumbnail` is the picture's key in the bucket."""

    name: str
    thumbnail: str | None


def of(item_ids: Iterable[str]) -> dict[str, Face]:
    """The existing ones of these items, by id, 100 per request; raises TemporaryError where DynamoDB refuses.

    A message can name anything as its item, even an invalid key: only UUIDs are looked up.
    """
    keys = [(owner_of(item_id), "item") for item_id in dict.fromkeys(item_ids) if _is_uuid(item_id)]
    if not keys:
        return {}
    connect()
    with answering("the inventory table did not respond", raises=TemporaryError):
        found = list(Entry.batch_get(keys, attributes_to_get=["owner", "entry", "kind", "name", "thumbnail"]))
    named = [item for item in found if isinstance(item, Item) and item.name]
    return {item.item_id: Face(str(item.name), item.thumbnail) for item in named}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
