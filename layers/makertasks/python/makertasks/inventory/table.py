"""The inventory table: the only module that reads and writes it. `inventory.model` describes its contents.

Functions change single attributes with conditions, never whole rows, so that a concurrent change of stock is kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from makertasks import settings
from makertasks.aws.dynamodb import ConditionFailed, Missing, answering
from makertasks.errors import InvalidRequest, PermanentError, TemporaryError, UnknownItem
from makertasks.inventory import batches, site_changes
from makertasks.inventory.model import (
    DEFAULT_LEAD_TIME_DAYS,
    MODELS,
    Broken,
    Delivery,
    Entry,
    Item,
    ItemSupplier,
    LoggedDelivery,
    Reference,
    ReorderRequest,
    sort_name_of,
)

__all__ = [
    "DEFAULT_LEAD_TIME_DAYS",
    "TRANSACTION_ENTRIES",
    "Broken",
    "Change",
    "Delivery",
    "Entry",
    "Item",
    "ItemList",
    "ItemPage",
    "ItemSupplier",
    "LoggedDelivery",
    "Reference",
    "ReorderRequest",
    "Unreadable",
    "Unstorable",
    "change",
    "connect",
    "find",
    "get_item",
    "get_item_page",
    "list_items",
    "owner_of",
    "transact",
    "update_item",
    "write",
]

# DynamoDB's limits for one transaction and one BatchGetItem.
TRANSACTION_ENTRIES = 100


class Unstorable(PermanentError):
    """DynamoDB cannot store a value (an empty key, an entry of more than 400 KB); retrying cannot help."""


class Unreadable(PermanentError):
    """No class can read a row: a script or the console wrote it wrongly."""

    def __init__(self, broken: Broken) -> None:
        """Create the error; its message names the item and the problem."""
        super().__init__(f"item_id: the inventory's row of item {broken.item_id} cannot be read: {broken.problem}")


class Change(NamedTuple):
    """New values for single attributes of one entry, and the condition for writing them."""

    entry: Entry
    actions: list[Any]
    condition: Condition


@dataclass
class ItemPage:
    """An item with all its entries."""

    item: Item
    suppliers: list[ItemSupplier] = field(default_factory=list)
    requests: list[ReorderRequest] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


class ItemList(NamedTuple):
    """A page of items by name, the cursor of the next, and the rows of the page that cannot be read."""

    items: list[Item]
    cursor: str | None
    broken: list[Broken]


def connect() -> type[Entry]:
    """The model, bound to the table named in the environment."""
    for model in MODELS:
        model.bind(settings.inventory_table())
    return Entry


def owner_of(item_id: UUID | str) -> str:
    """Partition key of an item."""
    return f"item#{item_id}"


def get_item(item_id: UUID | str) -> Item:
    """One item; raises UnknownItem, Unreadable, or TemporaryError where DynamoDB refuses."""
    if held := batches.take(owner_of(item_id)):
        return _readable(held)
    connect()
    try:
        with answering("the inventory table did not respond", raises=TemporaryError):
            item: Entry = Item.get(owner_of(item_id), "item", consistent_read=True)
    except Missing as error:
        raise UnknownItem(str(item_id)) from error
    return _readable(item)


def _readable(entry: Entry) -> Item:
    """An item from the entry that was read; raises Unreadable."""
    if isinstance(entry, Item) and entry.name:
        batches.note_name(str(entry.owner), str(entry.name))
        return entry
    raise Unreadable(entry if isinstance(entry, Broken) else Broken.of(*_nameless(entry)))


def _nameless(entry: Entry) -> tuple[dict[str, Any], ValueError]:
    key = {"owner": {"S": str(entry.owner)}, "entry": {"S": str(entry.entry)}}
    return key, ValueError("'name' is missing")


def get_item_page(item_id: UUID | str) -> ItemPage:
    """One item with its supplier links and requests, by one Query; raises UnknownItem, Unreadable or TemporaryError."""
    connect()
    with answering("the inventory table did not respond", raises=TemporaryError):
        entries = list(Entry.query(owner_of(item_id)))
    item = next((entry for entry in entries if entry.entry == "item"), None)
    if item is None:
        raise UnknownItem(str(item_id))
    return ItemPage(
        _readable(item),
        [entry for entry in entries if isinstance(entry, ItemSupplier)],
        [entry for entry in entries if isinstance(entry, ReorderRequest)],
        [entry for entry in entries if isinstance(entry, Broken)],
    )


def list_items(limit: int, cursor: str | None = None, prefix: str = "") -> ItemList:
    """A page of items by name whose names begin with `prefix` (ignoring case), and the next page's cursor.

    Costs one Query of keys and one BatchGetItem per 100 items. Raises InvalidRequest for an invalid cursor, and
    TemporaryError where DynamoDB refuses.
    """
    connect()
    begins = Item.sort_name.startswith(sort_name_of(prefix)) if sort_name_of(prefix) else None
    start = decode_cursor(cursor, prefix) if cursor else None
    with answering("the inventory table did not respond", raises=TemporaryError):
        page = Item.items.query("item", begins, limit=limit, last_evaluated_key=start, page_size=limit)
        keys = [(str(entry.owner), "item") for entry in page]
        last = page.last_evaluated_key
    return page_of(keys, encode_cursor(last["sort_name"]["S"], last["owner"]["S"]) if last else None)


def page_of(keys: list[tuple[str, str]], cursor: str | None) -> ItemList:
    """The items with these keys, in this order, as a page; raises TemporaryError."""
    found = find(keys)
    items = [entry for key in keys if isinstance(entry := found.get(key), Item)]
    broken = [entry for key in keys if isinstance(entry := found.get(key), Broken)]
    broken += [Broken.of(*_nameless(item)) for item in items if not item.name]
    return ItemList([item for item in items if item.name], cursor, broken)


def every_item() -> Iterator[Item | Broken]:
    """All items by name, a page at a time, then the unreadable ones; raises TemporaryError."""
    cursor: str | None = None
    while True:
        items, cursor, broken = list_items(TRANSACTION_ENTRIES, cursor)
        yield from items
        yield from broken
        if cursor is None:
            return


def every_entry() -> Iterator[Entry]:
    """Every entry of the table, by a Scan, one megabyte per request; raises TemporaryError where DynamoDB refuses.

    For comparing the whole table with a site, at a twentieth of the cost of reading its entries one by one.
    """
    connect()
    with answering("the inventory table did not respond", raises=TemporaryError):
        yield from Entry.scan()


def encode_cursor(sort_name: str, owner: str) -> str:
    """The cursor of the page after an item."""
    return base64.urlsafe_b64encode(f"{owner} {sort_name}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str, prefix: str = "") -> dict[str, dict[str, str]]:
    """The key in the `items` index of the item in a cursor; raises InvalidRequest."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("cursor", "not a cursor of this list; leave it out to begin again") from error
    owner, _, sort_name = text.partition(" ")
    if not owner.startswith("item#") or not sort_name or not sort_name.startswith(sort_name_of(prefix)):
        raise InvalidRequest("cursor", "not a cursor of this list; leave it out to begin again")
    values = {"listing": "item", "sort_name": sort_name, "owner": owner, "entry": "item"}
    return {name: {"S": value} for name, value in values.items()}


def find(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Entry]:
    """The entries that exist among `keys` (owner, entry), 100 per request; raises TemporaryError."""
    connect()
    with answering("the inventory table did not respond", raises=TemporaryError):
        entries = Entry.batch_get(dict.fromkeys(keys), consistent_read=True)
        return {(str(entry.owner), str(entry.entry)): entry for entry in entries}


def update_item(item_id: UUID | str, condition: Condition | None = None, **attributes: str | None) -> bool:
    """Set single attributes of an item (None removes one), and increment the versions of those that the site receives.

    Returns False if `condition` was not met. Raises UnknownItem if the item is gone and TemporaryError where DynamoDB
    refuses; either way nothing has changed.
    """
    connect()
    item = Item(owner_of(item_id), "item")
    actions = [
        getattr(Item, name).remove() if value is None else getattr(Item, name).set(value)
        for name, value in attributes.items()
    ]
    actions += [site_changes.next_version(version) for name in attributes if (version := site_changes.version_of(name))]
    exists = Item.owner.exists()
    if change(Change(item, actions, exists if condition is None else exists & condition)):
        return True
    if condition is None:
        raise UnknownItem(str(item_id))
    get_item(item_id)
    return False


def change(wanted: Change) -> bool:
    """Change single attributes of one entry; returns False if the condition is not met; raises like `transact`."""
    try:
        with answering("the inventory table refused the change", raises=TemporaryError, lasting=Unstorable):
            wanted.entry.update(actions=wanted.actions, condition=wanted.condition)
    except ConditionFailed:
        return False
    return True


def transact(new: Iterable[Entry], changes: Iterable[Change], gone: Iterable[Entry] = ()) -> bool:
    """Create entries, change single attributes of others and remove others, at most 100 together: all or nothing.

    Returns False if one of the new entries already exists, a condition is not met, or another writer is changing one of
    them: read them again and retry. Raises Unstorable for a value that DynamoDB cannot store, and TemporaryError where
    it refuses for another reason.
    """
    connect()
    try:
        with (
            answering("the inventory table refused the entries", raises=TemporaryError, lasting=Unstorable),
            # PynamoDB has no other way to get a connection with the model's settings
            TransactWrite(connection=Entry._get_connection().connection) as transaction,  # noqa: SLF001
        ):
            for entry in new:
                transaction.save(entry, condition=Entry.owner.does_not_exist())
            for entry, actions, condition in changes:
                transaction.update(entry, actions=actions, condition=condition)
            for entry in gone:
                transaction.delete(entry)
    except ConditionFailed:
        return False
    return True


def write(entries: Iterable[Entry]) -> None:
    """Write whole entries, 25 a request: for samples and tests, not for tasks."""
    connect()
    with Entry.batch_write() as batch:
        for entry in entries:
            batch.save(entry)
