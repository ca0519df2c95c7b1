"""Changes made by tasks, as messages to the site; the format is the same for pulled and pushed messages.

    {"type": "inventory.changed", "format": 1, "changes": [
      {"model": "inventory.inventoryitem", "pk": "94cb…", "attributes": {
        "image": {"value": "inventory/images/M3.png", "version": 1764111111112, "link": "https://…"}}},
      {"model": "inventory.itemsupplier", "pk": "5", "attributes": {
        "average_lead_time": {"value": 4, "version": 1764111111113}, …}}]}

An attribute's version only increases, so that a change that arrives late or twice replaces nothing newer. Only tasks
write versions: attributes from the site have none, and are not sent back to it. `link`, in pushed changes only, is a
URL that serves the object for a short time. In pulled changes, `value` is the object's key in the bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from makertasks import clock
from makertasks.errors import MakertasksError
from makertasks.inventory.model import Item, ItemSupplier

FORMAT = 1

ITEM, LINK = "inventory.inventoryitem", "inventory.itemsupplier"

# Attributes of each kind of entry, by the attribute that holds their version.
VERSIONED: dict[str, dict[str, tuple[str, ...]]] = {
    "item": {"image_version": ("image",), "qr_code_version": ("qr_code",)},
    "supplier": {"lead_time_version": ("average_lead_time", "lead_time_median", "lead_time_p90")},
}
MODELS = {"item": ITEM, "supplier": LINK}

# Attributes whose value is the key of an object in the bucket.
MEDIA = frozenset({"image", "qr_code"})

# Changes per message, about 10 KB. A site fetches the objects of a message before it responds.
CHANGES_A_MESSAGE = 40
MEDIA_A_MESSAGE = 5


# Maximum values of a database's columns: a number of days, and a version.
Days = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class UnknownFormat(MakertasksError):
    """The message's format is unknown to this version of the package."""


class Attribute(msgspec.Struct, omit_defaults=True):
    """An attribute's value and its version; `link` serves the object that a media attribute names."""

    value: str | Days | None
    version: Version
    link: str | None = None


class Changed(msgspec.Struct):
    """The changes to one object of the site."""

    model: str
    pk: str
    attributes: dict[str, Attribute]

    @property
    def media(self) -> int:
        """Number of objects in the bucket that it refers to."""
        return len(MEDIA & self.attributes.keys())


class Message(msgspec.Struct):
    """One message to the site."""

    changes: list[Changed]
    type: Literal["inventory.changed"] = "inventory.changed"
    format: int = FORMAT


def next_version(attribute: Any) -> Any:
    """PynamoDB's action that increments a version, starting at the current time in milliseconds.

    An item that is deleted and created again therefore continues above its former versions.
    """
    return attribute.set((attribute | int(clock.now().timestamp() * 1000)) + 1)


def version_of(name: str) -> Any:
    """The version attribute of an item's attribute; None if it has none."""
    names = {each: version for version, group in VERSIONED["item"].items() for each in group}
    return getattr(Item, names[name]) if name in names else None


def lead_time_version() -> Any:
    """The version attribute of a link's lead times."""
    return ItemSupplier.lead_time_version


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changed | None:
    """Tasks' changes to an entry between two states of its row; None if the site has none of the changed attributes."""
    kind = str(new.get("kind"))
    attributes = {
        name: Attribute(_plain(new.get(name)), int(new[version]))
        for version, names in VERSIONED.get(kind, {}).items()
        if isinstance(new.get(version), int | Decimal) and new[version] != old.get(version)
        for name in names
        if isinstance(new.get(name), str | int | Decimal | None)  # tasks write no other types
    }
    if not attributes:
        return None
    number = str(new["owner"]).partition("#")[2] if kind == "item" else str(new["entry"]).partition("#")[2]
    return Changed(MODELS[kind], number, attributes)


def messages(changes: Iterable[Changed]) -> Iterator[Message]:
    """Messages that together hold all changes, in their order."""
    batch: list[Changed] = []
    media = 0
    for each in changes:
        if batch and (len(batch) == CHANGES_A_MESSAGE or media + each.media > MEDIA_A_MESSAGE):
            yield Message(batch)
            batch, media = [], 0
        batch.append(each)
        media += each.media
    if batch:
        yield Message(batch)


def encode(message: Message) -> str:
    """A message as JSON."""
    return msgspec.json.encode(message).decode()


def decode(body: str | bytes) -> Message:
    """A message from JSON; raises UnknownFormat."""
    try:
        message = msgspec.json.decode(body, type=Message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnknownFormat(f"not a message about changes of the inventory: {error}") from error
    if message.format != FORMAT:
        raise UnknownFormat(f"format {message.format} is not known here, only {FORMAT}; upgrade the package makertasks")
    return message


def _plain(value: Any) -> str | int | None:
    return value if value is None or isinstance(value, str) else int(value)
