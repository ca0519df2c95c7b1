"""Keeps the inventory table in step with a running OpenMakerSuite.

    INSTALLED_APPS = [..., "makertasks.contrib.django"]

Every object of the apps `inventory` and `reorder_queue` that is saved or deleted is sent once its transaction is
committed: as a small file in the format of `manage.py dumpdata`, under imports/changes/ in the media bucket, from where
it is imported like a whole dump. Objects are read from the database after the commit, never taken from memory: a stale
related object changes nothing, and `F()` expressions have become numbers. `as_of` in each object says when it was
read, so that a change that arrives twice or late replaces nothing newer.

The file includes the objects that an object refers to (`related`), in case the table lacks them, and the items and
supplier links whose entries copy a category's, location's or supplier's name. Django sends no signals for
`QuerySet.update()`, `bulk_create()`, `bulk_update()` and raw SQL: `manage.py makertasks_sync --all` finds their
changes.

Works with the site's own Django, 4.2 or later.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.apps import apps as installed
from django.core import serializers
from django.db import connections, transaction
from django.db.models.signals import post_delete, post_save

from makertasks import clock
from makertasks.aws import bucket
from makertasks.client import configuration
from makertasks.contrib.django.models import applied_media, say_applied
from makertasks.errors import Unavailable
from makertasks.inventory.site_changes import ITEM

FOLDER = "imports/changes/"
APPS = frozenset({"inventory", "reorder_queue"})

# Copied attributes: the changed model, the model of the copies, and the path from the copies to the changed object.
COPIES = (
    ("inventory.category", "inventory.inventoryitem", "category"),
    ("inventory.location", "inventory.inventoryitem", "location"),
    ("inventory.supplier", "inventory.itemsupplier", "supplier"),
    ("reorder_queue.purchaseorder", "reorder_queue.deliveryitem", "purchase_order_item__purchase_order"),
    ("reorder_queue.purchaseorder", "reorder_queue.leadtimelog", "purchase_order"),
    ("reorder_queue.orderdelivery", "reorder_queue.deliveryitem", "delivery"),
)

# Number of copies in one file.
COPIES_A_FILE = 1000


def follow_inventory(apps: Collection[str] = APPS) -> None:
    """Send every object of these Django apps when it has been saved or deleted; calling it again changes nothing."""
    post_save.connect(partial(_saved, frozenset(apps)), weak=False, dispatch_uid="makertasks.contrib.django")
    post_delete.connect(partial(_deleted, frozenset(apps)), weak=False, dispatch_uid="makertasks.contrib.django")


def send(objects: list[dict[str, Any]]) -> str:
    """Upload objects, in the format of a dump, for import; returns the key. Raises Unavailable."""
    configuration.load()
    key = f"{FOLDER}{uuid.uuid4()}.json"
    body = json.dumps(objects, ensure_ascii=False).encode(errors="replace")
    bucket.put(key, body, "application/json", raises=Unavailable)
    return key


class _Order:
    """Times that only increase, even if the machine's clock is set back."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=clock.now().tzinfo)
        self._lock = threading.Lock()

    def take(self) -> str:
        """The current time, later than every one returned before."""
        with self._lock:
            self._last = max(clock.now(), self._last + timedelta(microseconds=1))
            return clock.text(self._last)


as_of = _Order().take


@dataclass
class _Pending:
    """The objects that a connection's transaction has saved and deleted so far.

    If a savepoint or the whole transaction is rolled back, keys stay: reading their objects again does no harm.
    """

    apps: frozenset[str] = APPS
    saved: dict[tuple[type[Any], Any], None] = field(default_factory=dict)
    deleted: dict[tuple[type[Any], Any], list[Any]] = field(default_factory=dict)  # as `_gone` returns it


def _pending(using: str) -> _Pending:
    attributes = connections[using].__dict__
    pending: _Pending = attributes.setdefault("makertasks_pending", _Pending())
    return pending


def _saved(apps: frozenset[str], sender: Any, instance: Any, using: str, raw: bool = False, **given: Any) -> None:  # noqa: ARG001 - Django gives more
    if sender._meta.app_label in apps and not raw:  # noqa: SLF001 - Django's public `Model._meta`
        pending = _pending(using)
        pending.apps = apps
        pending.saved[type(instance), instance.pk] = None
        transaction.on_commit(
            lambda: _flush(using), using=using, robust=True
        )  # Django 4.2 cannot log a partial's error


def _deleted(apps: frozenset[str], sender: Any, instance: Any, using: str, **given: Any) -> None:  # noqa: ARG001 - as above
    """Include the objects it refers to, as for a change: a link's key, for example, contains its item."""
    if sender._meta.app_label in apps:  # noqa: SLF001 - as above
        pending = _pending(using)
        pending.apps = apps
        pending.deleted[type(instance), instance.pk] = _gone(instance, apps)
        transaction.on_commit(
            lambda: _flush(using), using=using, robust=True
        )  # Django 4.2 cannot log a partial's error


def _gone(instance: Any, apps: frozenset[str]) -> list[Any]:
    """Return an object that is being deleted, as in a dump, after the objects that it refers to."""
    moment = as_of()
    *related, gone = json.loads(serializers.serialize("json", [*_referred_to(instance, apps), instance]))
    return [*({**each, "related": True, "as_of": moment} for each in related), gone]


def _flush(using: str) -> None:
    """Send the committed changes: one file per transaction, and more if there are many copies.

    Django logs an error, and the saved objects stay saved. Django 4.2 cannot log errors in a partial.
    """
    pending = _pending(using)
    saved, deleted, pending.saved, pending.deleted = list(pending.saved), dict(pending.deleted), {}, {}
    moment = as_of()  # before anything is read, so that the objects with the latest time have the latest state
    items = [pk for model, pk in saved if model._meta.label_lower == ITEM]  # noqa: SLF001 - Django's public `Model._meta`
    versions = applied_media(items, using)
    found = {key: instance for key in (*saved, *deleted) if (instance := _read(key, using)) is not None}
    objects = [say_applied(each, versions) for each in _objects(found, pending.apps, moment)]
    gone = [entries for key, entries in deleted.items() if key not in found]
    known = {_key_of(entry) for entry in (*objects, *(entries[-1] for entries in gone))}
    for *related, last in gone:
        for each in related:
            if _key_of(each) not in known:
                known.add(_key_of(each))
                objects.append(each)
        objects.append({**last, "deleted": moment})
    if objects:
        send(objects)
    for portion in _copies(found, using):
        copies = {(type(each), each.pk): each for each in portion if (type(each), each.pk) not in found}
        if copies:
            send(_objects(copies, pending.apps, moment, copies=True))


def _read(key: tuple[type[Any], Any], using: str) -> Any:
    model, pk = key
    return model._base_manager.using(using).filter(pk=pk).first()  # noqa: SLF001 - Django's public `Model._base_manager`


def _objects(
    found: dict[tuple[type[Any], Any], Any], apps: frozenset[str], moment: str, *, copies: bool = False
) -> list[dict[str, Any]]:
    """Objects in the format of a dump, each once, after those they refer to; `copies` have not changed themselves."""
    wanted: dict[tuple[type[Any], Any], Any] = {}
    for key, instance in found.items():
        for each in _referred_to(instance, apps):
            wanted.setdefault((type(each), each.pk), each)
        wanted[key] = instance
    entries = json.loads(serializers.serialize("json", wanted.values()))
    return [
        {**entry, "as_of": moment, **({"related": True} if copies or key not in found else {})}
        for key, entry in zip(wanted, entries, strict=True)
    ]


def _key_of(entry: dict[str, Any]) -> tuple[str, Any]:
    return entry["model"], entry["pk"]


def _referred_to(instance: Any, apps: frozenset[str]) -> list[Any]:
    """The objects that an object refers to, each after those it refers to itself, so that every file is complete."""
    found: list[Any] = []
    for each in instance._meta.concrete_fields:  # noqa: SLF001 - Django's public `Model._meta`
        if each.many_to_one and each.related_model._meta.app_label in apps:  # noqa: SLF001 - as above
            named = _fresh(instance, each)
            if named is not None and named != instance:
                found += [other for other in (*_referred_to(named, apps), named) if other not in found]
    return found


def _fresh(instance: Any, reference: Any) -> Any:
    """The object that a field refers to, from the database; None if it is gone, perhaps by the same deletion."""
    pk, model, using = getattr(instance, reference.attname), reference.related_model, instance._state.db  # noqa: SLF001
    return None if pk is None else model._base_manager.using(using).filter(**{reference.target_field.name: pk}).first()  # noqa: SLF001


def _copies(found: Iterable[tuple[type[Any], Any]], using: str) -> Iterator[list[Any]]:
    """Yield objects whose entries copy attributes of the saved ones, in portions."""
    for model, pk in found:
        for changed, copying, path in COPIES:
            if model._meta.label_lower == changed and (copies := _model(copying)) is not None:  # noqa: SLF001 - as above
                rows = copies._base_manager.using(using).filter(**{path: pk}).order_by("pk")  # noqa: SLF001 - as above
                portion: list[Any] = []
                for row in rows.iterator(COPIES_A_FILE):
                    portion.append(row)
                    if len(portion) == COPIES_A_FILE:
                        yield portion
                        portion = []
                if portion:
                    yield portion


def _model(label: str) -> Any:
    try:
        return installed.get_model(label)
    except LookupError:
        return None  # the site does not have that app
