"""The attributes of an object that differ from the table and may be written.

Only attributes that OpenMakerSuite owns are written. Results of tasks stay: images and QR codes are only added where
there is none, or removed if the site had them and removed them, and measured lead times are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pynamodb.attributes import MapAttribute

from makertasks import clock
from makertasks.inventory import site_changes
from makertasks.inventory.table import Broken, Change, Entry, Item

# Attributes that only tasks write.
MADE_HERE = {
    *(
        "image_source",
        "image_wanted",
        "image_digest",
        "image_version",
        "thumbnail",
        "qr_code_digest",
        "qr_code_version",
        "index_card",
    ),
    *("lead_time_median", "lead_time_p90", "lead_time_version"),
}

# They say which state of an object the table has; written together with the differences.
ORDER = "as_of"

# Attributes that OpenMakerSuite fills in and tasks own: written only where there is nothing yet.
FILLED = {"image", "qr_code"}

# Attributes to remove together with an image or a QR code that the site has removed.
MADE_OF = {"image": ("thumbnail", "image_digest"), "qr_code": ("qr_code_digest",)}

# Attributes that are kept where the object does not have them: they came from another object of the dump.
LEARNT = {"supplier_id", "supplier_source"}


def is_older(entry: Entry, stored: Entry) -> bool:
    """Whether the table has a later state of the object.

    A live site says when it read a state from its database. A row's own `updated_at` is less reliable, since
    `save(update_fields=…)` and `QuerySet.update()` do not change it; a dump has nothing else.
    """
    ours, theirs = getattr(entry, "updated_at", None), getattr(stored, "updated_at", None)
    if entry.as_of:
        ours, theirs = entry.as_of, stored.as_of or theirs
    our_time, their_time = clock.parsed(ours), clock.parsed(theirs)
    return our_time is not None and their_time is not None and our_time < their_time


def difference(entry: Entry, stored: Entry, applied: Mapping[str, int]) -> Change | None:
    """The changes to an object's own attributes compared with the table, None where nothing differs.

    `applied`: the versions of images and QR codes that the site had before it removed them.
    """
    if isinstance(stored, Broken):
        return _repair(entry, stored)
    removed = _removed(entry, stored, applied)
    actions = [*_actions(entry, stored), *_removals(entry, stored, removed)]
    return _change(entry, stored, actions, removed) if actions else None


def _removed(entry: Entry, stored: Entry, applied: Mapping[str, int]) -> list[str]:
    """Return the images and QR codes that the site removed: it had the table's version, and now has none.

    Only a live site can remove them, and none newer than the site has received from tasks. Those without a version came
    from the site.
    """
    if not entry.as_of or not isinstance(entry, Item) or not isinstance(stored, Item):
        return []
    return [
        name
        for name in sorted(FILLED)
        if getattr(entry, name) is None
        and getattr(stored, name) is not None
        and applied.get(name, 0) >= (_version(stored, name) or 0)
    ]


def _version(stored: Entry, name: str) -> int | None:
    version: int | None = getattr(stored, f"{name}_version")
    return version


def _removals(entry: Entry, stored: Entry, removed: Sequence[str]) -> list[Any]:
    """Return the changes that remove them; a download requested earlier does not restore an image."""
    names = [each for name in removed for each in (name, *MADE_OF[name]) if getattr(stored, each) is not None]
    actions = [getattr(Item, name).remove() for name in names]
    if "image" in removed:
        actions.append(Item.image_wanted.set(max(str(entry.as_of), getattr(stored, "image_wanted", None) or "")))
    return actions


def _repair(entry: Entry, broken: Broken) -> Change:
    """Return the changes that repair an unreadable row from the object; readable results of tasks are kept."""
    readable, unreadable = broken.readable_as(type(entry))
    actions = _actions(entry, readable, unreadable)
    for name in unreadable:
        attribute, value = getattr(type(entry), name), getattr(entry, name)
        kept = value is not None and name not in MADE_HERE
        actions.append(attribute.set(value) if kept else attribute.remove())
    return Change(type(entry)(broken.owner, broken.entry), actions, Entry.owner.exists())


def confirmation(entry: Entry, stored: Entry) -> Change | None:
    """Record that the table's state was still current at a later moment, so that no state in between replaces it."""
    return _change(entry, stored, []) if entry.as_of and entry.as_of != stored.as_of else None


def _change(entry: Entry, stored: Entry, actions: list[Any], removed: Sequence[str] = ()) -> Change:
    if entry.as_of:
        actions = [*actions, Entry.as_of.set(entry.as_of)]
    condition = Entry.owner.exists() & _as_seen(Entry.as_of, stored.as_of)
    if hasattr(entry, "updated_at"):
        condition &= _as_seen(type(entry).updated_at, getattr(stored, "updated_at", None))
    for name in removed:  # a task may be storing another image
        condition &= _as_seen(site_changes.version_of(name), _version(stored, name))
    return Change(type(entry)(stored.owner, stored.entry), actions, condition)


def _as_seen(attribute: Any, seen: str | int | None) -> Any:
    return attribute.does_not_exist() if seen is None else attribute == seen


def _actions(entry: Entry, stored: Entry, but: Sequence[str] = ()) -> list[Any]:
    actions = []
    for name in sorted(type(entry).get_attributes().keys() - set(but)):
        value, there = _value(entry, name), _value(stored, name)
        if value != there and _may_write(name, value, stored):
            attribute = getattr(type(entry), name)
            actions.append(attribute.remove() if value is None else attribute.set(value))
    return actions


def _may_write(name: str, value: Any, stored: Entry) -> bool:
    if name in MADE_HERE or name == ORDER:
        return False
    if name in FILLED:
        return value is not None and getattr(stored, name) is None
    if name == "site_image":  # written only if the site shows another image than the table has
        return bool(value != getattr(stored, "image", None))
    if name in LEARNT:
        return value is not None
    if name == "average_lead_time":
        return getattr(stored, "lead_time_median", None) is None  # otherwise it was measured here
    return True


def _value(entry: Entry, name: str) -> Any:
    value = getattr(entry, name)
    return value.as_dict() if isinstance(value, MapAttribute) else value
