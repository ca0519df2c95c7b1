"""Compares all objects of a live OpenMakerSuite with all entries of the inventory table. Pure.

The same code as in an import finds the differences; entries whose object the site does not have are to be deleted.
`QuerySet.update()`, `bulk_create()`, raw SQL and files that were never sent cause such differences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from makertasks.inventory.model import Entry
from makertasks.inventory.openmakersuite import importing
from makertasks.inventory.openmakersuite.dumps import DumpObject
from makertasks.inventory.openmakersuite.references import Key
from makertasks.inventory.openmakersuite.report import Report

# The model of an entry: an item's by the beginning of its sort key, a reference's by the beginning of its owner.
_OF_ITEMS = {
    "item": "inventory.inventoryitem",
    "supplier": "inventory.itemsupplier",
    "request": "reorder_queue.reorderrequest",
    "log": "reorder_queue.leadtimelog",
    "part": "reorder_queue.deliveryitem",
}
_REFERENCES = {
    "category": "inventory.category",
    "location": "inventory.location",
    "supplier": "inventory.supplier",
    "link": "inventory.itemsupplier",
    "order": "reorder_queue.purchaseorder",
    "line": "reorder_queue.purchaseorderitem",
    "arrival": "reorder_queue.orderdelivery",
}


@dataclass
class Comparison:
    """The objects to send to the table, in an order in which they can be imported."""

    changed: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # created, changed, unchanged
    refused: list[dict[str, Any]] = field(default_factory=list)  # object, model, pk and reason of the first 200


def compare(
    objects: list[dict[str, Any]], stored: dict[Key, Entry], moment: str, models: Collection[str]
) -> Comparison:
    """Compare objects, in the format of a dump, with the table's entries.

    `moment` is a time before either was read. Only objects of `models` are deleted: the site cannot have others.
    """
    dumped = [DumpObject(number, number, {**each, "as_of": moment}) for number, each in enumerate(objects, start=1)]
    references = importing.survey(dumped, lambda keys: {key: stored[key] for key in keys if key in stored})
    report, found = Report(), Comparison()
    by_key = {(each.value["model"], str(each.value["pk"])): each.value for each in dumped}
    seen: set[Key] = set()
    for planned in importing.plan(dumped, references, report):
        seen.update((str(entry.owner), str(entry.entry)) for entry in planned.entries)
        importing.drop_missing_media(planned.entries[0], stored, lambda _: False)
        name = importing.outcome_of(planned, stored).name
        found.counts[name] += 1
        if name != "unchanged":
            found.changed.append(by_key[planned.model, planned.number])
    found.refused = report.refusals
    gone = _gone(stored.keys() - seen, moment)
    found.deleted = [each for each in gone if each["model"] in models and (each["model"], each["pk"]) not in by_key]
    return found


def _gone(keys: Iterable[Key], moment: str) -> list[dict[str, Any]]:
    """Deletions for the objects that these entries came from."""
    entries: dict[tuple[str, str], list[Key]] = {}
    for owner, entry in sorted(keys):
        kind, _, number = (owner if entry == "reference" else entry).partition("#")
        model = (_REFERENCES if entry == "reference" else _OF_ITEMS).get(kind)
        if model is not None:
            entries.setdefault((model, number or owner.partition("#")[2]), []).append((owner, entry))
    return [
        {"model": model, "pk": pk, "fields": {}, "deleted": moment, "entries": places}
        for (model, pk), places in entries.items()
    ]
