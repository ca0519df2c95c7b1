"""References between OpenMakerSuite's objects by number, in any order within a dump."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from makertasks import clock
from makertasks.inventory.model import Entry, Reference
from makertasks.inventory.openmakersuite import fields, values
from makertasks.inventory.openmakersuite.dumps import DumpObject
from makertasks.inventory.openmakersuite.parsing import Parsed, Refused

Key = tuple[str, str]  # owner and entry in the inventory table

# The fields in which objects refer to others, with the kind of the other.
_NAMED = {
    "category": "category",
    "location": "location",
    "supplier": "supplier",
    "link": "item_supplier",
    "order": "purchase_order",
    "arrival": "delivery",
    "line": "purchase_order_item",
}

# Others only need to know that an item exists.
_AN_ITEM = Reference()


@dataclass
class References:
    """Objects that others refer to: entries by key, and orders by the fields of a request."""

    objects: int = 0  # number of objects read
    known: dict[Key, Entry] = field(default_factory=dict)
    _first: dict[tuple[str, str], int] = field(default_factory=dict)  # where each model and number first occurred
    _orders: dict[str, Reference] = field(default_factory=dict)  # by order number
    _suppliers: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # by item and order date
    _refused: dict[Key, str] = field(default_factory=dict)  # why an object of the file was refused
    _items: dict[str, tuple[int, list[Key]]] = field(default_factory=dict)  # line and references of items that have any

    def collect(self, parsed: Parsed, source: DumpObject) -> None:
        """Add an object that others may refer to."""
        if self._first.setdefault((parsed.model, parsed.number), source.number) != source.number:
            return
        if parsed.model == "inventory.inventoryitem":
            self.known[f"item#{parsed.number}", "item"] = _AN_ITEM
            if named := needs(parsed):
                self._items[f"item#{parsed.number}"] = source.line, named
        if (reference := reference_of(parsed)) is not None:
            reference.as_of = parsed.as_of
            self.known[str(reference.owner), "reference"] = reference

    def refuse(self, refused: DumpObject, reason: str) -> None:
        """Record why an object cannot be imported, for those that refer to it."""
        value = refused.value if isinstance(refused.value, dict) else {}
        kind = _KINDS.get(str(value.get("model")))
        if kind is not None:
            owner = values.printable(f"{kind}#{value.get('pk')}")
            self._refused[owner, "item" if kind == "item" else "reference"] = f"line {refused.line}: {reason}"

    def check_first(self, parsed: Parsed, position: int) -> None:
        """Raise Refused if an object of the same model and number came earlier."""
        first = self._first.get((parsed.model, parsed.number), position)
        if first != position:
            raise Refused(f"object {first} of the dump has the same model and pk; only that one was imported")

    def learn(self, found: dict[Key, Entry]) -> None:
        """Add entries of the table."""
        self.known.update(found)

    def ordered(self) -> list[Key]:
        """Keys of references that have a time: the table may have later states of them."""
        return [key for key, each in self.known.items() if each.as_of]

    def learn_newer(self, found: dict[Key, Entry]) -> None:
        """Add the entries of the table that have a later state."""
        self.learn({key: each for key, each in found.items() if (each.as_of or "") > (self.known[key].as_of or "")})

    def incomplete_items(self) -> list[Key]:
        """Refuse items that refer to unknown objects; returns the items' keys, since the table may still have them."""
        keys: list[Key] = []
        for owner, (line, named) in self._items.items():
            unknown = next((key for key in named if key not in self.known), None)
            if unknown is not None:
                self.known.pop((owner, "item"), None)
                self._refused[owner, "item"] = f"line {line}: {self._why_unknown(unknown)}"
                keys.append((owner, "item"))
        return keys

    def arrange(self) -> None:
        """Once everything is collected, index orders by number, and suppliers by item and order date."""
        references: list[Reference] = [
            each for each in self.known.values() if isinstance(each, Reference) and each.owner
        ]
        self._orders = {each.order_number: each for each in references if each.order_number}
        for line in references:
            if str(line.owner).startswith("line#") and line.link:
                link, order = self.known.get(("link#" + line.link, "reference")), self._order(line)
                ordered = clock.parsed(order.ordered_at) if order else None
                if isinstance(link, Reference) and ordered:
                    day = ordered.date().isoformat()
                    self._suppliers.setdefault((link.item or "", day), set()).add(link.supplier or "")

    def _order(self, line: Reference) -> Reference | None:
        order = self.known.get((f"order#{line.order}", "reference"))
        return order if isinstance(order, Reference) else None

    def get(self, kind: str, number: str | int | None) -> Reference:
        """Return the object referred to; raises Refused if it is unknown."""
        key = f"{kind}#{number}", "reference"
        found = self.known.get(key)
        if not isinstance(found, Reference):
            raise Refused(self._why_unknown(key))
        return found

    def check_item(self, item_id: object) -> str:
        """The partition key of an item; raises Refused if neither the file nor the table has it."""
        key = f"item#{item_id}", "item"
        if key not in self.known:
            raise Refused(self._why_unknown(key))
        return key[0]

    def _why_unknown(self, key: Key) -> str:
        what = key[0].replace("#", " ", 1)
        if key in self._refused:
            return f"{what} was refused ({self._refused[key]})"
        return f"{what} is neither in the dump nor in the inventory"

    def ordered_from(self, item_id: str, order_number: str | None, ordered_at: str | None) -> str | None:
        """The supplier of a request's purchase order, found by its number, otherwise by item and date."""
        order = self._orders.get(order_number or "")
        if order is not None:
            return order.supplier
        day = clock.parse(ordered_at).date().isoformat() if ordered_at else ""
        suppliers = self._suppliers.get((item_id, day), set())
        return next(iter(suppliers)) if len(suppliers) == 1 else None


def needs(parsed: Parsed) -> list[Key]:
    """Return the keys of the objects that an object refers to."""
    given, keys = parsed.fields, []
    for kind, name in _NAMED.items():
        number = getattr(given, name, None)
        if number is not None:
            keys.append((f"{kind}#{number}", "reference"))
    if isinstance(given, fields.ItemSupplierFields | fields.ReorderRequestFields):
        keys.append((f"item#{given.item}", "item"))
    return keys


def needs_of(entries: Iterable[Entry]) -> set[Key]:
    """Keys of the objects that references of the table refer to in turn."""
    keys = set()
    for entry in entries:
        for kind in ("link", "order"):
            number = getattr(entry, kind, None) if isinstance(entry, Reference) else None
            if number is not None:
                keys.add((f"{kind}#{number}", "reference"))
    return keys


def reference_of(parsed: Parsed) -> Reference | None:
    """Return what other objects need to know of this one; None if objects of its model are never referred to."""
    make = _REFERENCES.get(type(parsed.fields))
    if make is None:
        return None
    kind, attributes = make(parsed)
    return Reference(f"{kind}#{parsed.number}", "reference", **attributes)


def _named(parsed: Parsed) -> tuple[str, dict[str, Any]]:
    return parsed.model.partition(".")[2], {"name": parsed.fields.name}


def _category(parsed: Parsed) -> tuple[str, dict[str, Any]]:
    return "category", {"name": parsed.fields.name, "color": parsed.fields.color or None}


def _link(parsed: Parsed) -> tuple[str, dict[str, Any]]:
    return "link", {"item": str(parsed.fields.item), "supplier": str(parsed.fields.supplier)}


def _order(parsed: Parsed) -> tuple[str, dict[str, Any]]:
    given: fields.PurchaseOrderFields = parsed.fields
    return "order", {
        "order_number": (given.po_number or "").strip() or None,
        "supplier": str(given.supplier),
        "ordered_at": parsed.raw["sent_at"] if given.sent_at else parsed.raw.get("order_date"),
    }


def _line(parsed: Parsed) -> tuple[str, dict[str, Any]]:
    given: fields.PurchaseOrderItemFields = parsed.fields
    link = None if given.item_supplier is None else str(given.item_supplier)
    return "line", {"order": str(given.purchase_order), "link": link}


def _arrival(parsed: Parsed) -> tuple[str, dict[str, Any]]:
    delivered = clock.parse(parsed.raw["delivery_date"]).date().isoformat()
    return "arrival", {"order": str(parsed.fields.purchase_order), "delivered": delivered}


_KINDS = {
    "inventory.category": "category",
    "inventory.location": "location",
    "inventory.supplier": "supplier",
    "inventory.inventoryitem": "item",
    "inventory.itemsupplier": "link",
    "reorder_queue.purchaseorder": "order",
    "reorder_queue.purchaseorderitem": "line",
    "reorder_queue.orderdelivery": "arrival",
}

_REFERENCES: dict[type, Callable[[Parsed], tuple[str, dict[str, Any]]]] = {
    fields.NamedFields: _named,
    fields.CategoryFields: _category,
    fields.ItemSupplierFields: _link,
    fields.PurchaseOrderFields: _order,
    fields.PurchaseOrderItemFields: _line,
    fields.OrderDeliveryFields: _arrival,
}
