"""Compares the whole site with the whole stack, and repairs both: `manage.py makertasks_sync --all`.

The stack receives one file with the objects that an import would change, and with deletions of objects that the site
no longer has. The site receives attributes with a later version than it has applied, and missing files of images and
QR codes. An image or QR code that the site has removed is removed from the stack, too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.core import serializers
from django.db import DatabaseError, router

from makertasks.client import configuration
from makertasks.contrib.django import applying, changes, media
from makertasks.contrib.django.models import AppliedVersion, key_of, say_applied
from makertasks.errors import MakertasksError
from makertasks.inventory import site_changes
from makertasks.inventory import table as inventory
from makertasks.inventory.model import Entry, Item, ItemSupplier
from makertasks.inventory.openmakersuite import comparing
from makertasks.inventory.openmakersuite.fields import FIELDS
from makertasks.inventory.site_changes import Attribute

# More deletions than this, and than a tenth of the stack's objects, suggest a wrong database.
FEW_DELETIONS = 50


class TooManyDeletions(MakertasksError):
    """Too many of the stack's objects are missing on the site: it may be another site's database."""


@dataclass
class Report:
    """The differences; they are repaired unless it is a dry run."""

    stack: Counter[str] = field(default_factory=Counter)  # created, changed, deleted, unchanged, refused
    site: Counter[str] = field(default_factory=Counter)  # as `applying.apply` counts; dry: missing
    refused: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def compare(*, dry_run: bool = False, force: bool = False) -> Report:
    """Compare and repair; raises TooManyDeletions without `force`, Unavailable or TemporaryError."""
    configuration.load()
    moment = changes.as_of()
    stored = {(str(entry.owner), str(entry.entry)): entry for entry in inventory.every_entry()}
    models = [label for label in FIELDS if _model(label) is not None]
    applied = {label: _applied(_model(label), label) for label in models}  # before the rows
    objects = [say_applied(each, applied[each["model"]]) for each in _objects(models)]
    found = comparing.compare(objects, stored, moment, models)
    report = Report(found.counts, refused=found.refused)
    report.stack["deleted"], report.stack["refused"] = len(found.deleted), len(found.refused)
    if len(found.deleted) > max(FEW_DELETIONS, len(stored) // 10) and not force:
        raise TooManyDeletions(
            f"the stack has {len(found.deleted)} objects that this site does not have: is this the right database? "
            "If it is, run the command again with --force"
        )
    if not dry_run and (found.changed or found.deleted):
        changes.send([*found.changed, *found.deleted])
    for label, pk, name, attribute, again in _missing(stored.values()):
        if dry_run:
            report.site["missing"] += 1
            continue
        try:
            report.site[applying.apply_attribute(label, pk, name, attribute, again=again)] += 1
        except (MakertasksError, DatabaseError, OSError, ValueError) as error:
            report.failed.append(f"{label} {pk} {name}: {error}")
    return report


def _model(label: str) -> Any:
    try:
        return apps.get_model(label)
    except LookupError:
        return None


def _objects(labels: list[str]) -> Iterator[dict[str, Any]]:
    """Every object of the models that the stack imports, in the format of a dump, model by model."""
    for label in labels:
        rows = _model(label)._base_manager.order_by("pk")  # noqa: SLF001 - Django's public `Model._base_manager`
        yield from json.loads(serializers.serialize("json", rows.iterator(1000)))


def _missing(entries: Any) -> Iterator[tuple[str, str, str, Attribute, bool]]:
    """Attributes that the site has not applied or has lost: model, key, attribute, value, whether applied before."""
    applied: dict[str, dict[str, int]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for entry in entries:
        for changed in _told(entry):
            label = changed.model
            model = _model(label)
            if model is None:
                continue
            if label not in rows:
                rows[label] = {str(row.pk): row for row in model._base_manager.all().iterator(1000)}  # noqa: SLF001
                applied[label] = _applied(model, label)
            row = rows[label].get(changed.pk)
            for name, attribute in changed.attributes.items() if row is not None else ():
                if not hasattr(row, name):
                    continue
                later = attribute.version > applied[label].get(key_of(label, changed.pk, name), 0)
                if later or _is_lost(row, name, attribute.value):
                    yield label, changed.pk, name, attribute, not later


def _applied(model: Any, label: str) -> dict[str, int]:
    rows = AppliedVersion.objects.using(router.db_for_write(model)).filter(key__startswith=f"{label}/")
    return dict(rows.values_list("key", "version"))


def _told(entry: Entry) -> Iterator[site_changes.Changed]:
    """The changes that a stream would report for an entry, and media without a version (from a dump, for example)."""
    if not isinstance(entry, Item | ItemSupplier):
        return
    row = {**entry.attribute_values, "kind": "item" if isinstance(entry, Item) else "supplier"}
    if (changed := site_changes.changed({}, row)) is not None:
        yield changed
    unversioned = {
        name: Attribute(row[name], 0)
        for name in site_changes.MEDIA
        if isinstance(entry, Item) and row.get(name) and row.get(f"{name}_version") is None
    }
    if unversioned:
        yield site_changes.Changed(site_changes.ITEM, entry.item_id, unversioned)


def _is_lost(row: Any, name: str, value: Any) -> bool:
    """Whether the file of an image or QR code is missing in the site's folder, although the site has not removed it."""
    if name not in site_changes.MEDIA or not value:
        return False
    there = getattr(row, name)
    if str(there or "") != value or not media.copies():
        return False
    try:
        there.storage.path(value)
    except NotImplementedError:
        return False  # a request for each file of a remote storage would cost too much
    return not there.storage.exists(value)
