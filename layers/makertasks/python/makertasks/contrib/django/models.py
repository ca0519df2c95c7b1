"""The versions of applied attributes, and the ids of received messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, models, transaction

from makertasks.inventory import site_changes

# Maximum number of keys in one query: databases limit parameters.
KEYS_A_QUERY = 500


class AppliedVersion(models.Model):  # type: ignore[misc]  # Django has no types here
    """The latest applied version of one attribute of one object."""

    key = models.CharField(max_length=255, primary_key=True)  # inventory.inventoryitem/94cb…/image
    version = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.key} {self.version}"

    @classmethod
    def advance(cls, key: str, version: int, using: str) -> bool:
        """Store a version in the current transaction; False if this or a later version was applied before."""
        rows = cls.objects.using(using).filter(key=key)
        if rows.filter(version__lt=version).update(version=version):
            return True
        if rows.exists():
            return False
        try:
            with transaction.atomic(using=using):
                cls.objects.using(using).create(key=key, version=version)
        except IntegrityError:  # another process was first
            return bool(rows.filter(version__lt=version).update(version=version))
        return True


class ReceivedMessage(models.Model):  # type: ignore[misc]  # as above
    """A pushed message that was applied: its id is not accepted again."""

    id = models.CharField(max_length=255, primary_key=True)
    received = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.id)


def key_of(model: str, pk: Any, attribute: str) -> str:
    """Key of an attribute's applied version."""
    return f"{model}/{pk}/{attribute}"


def applied_media(pks: Iterable[Any], using: str) -> dict[str, int]:
    """The applied versions of these items' images and QR codes, by key; read them before the items themselves."""
    keys = [key_of(site_changes.ITEM, pk, name) for pk in pks for name in sorted(site_changes.MEDIA)]
    portions = (keys[start : start + KEYS_A_QUERY] for start in range(0, len(keys), KEYS_A_QUERY))
    rows = AppliedVersion.objects.using(using)
    return {key: version for portion in portions for key, version in rows.filter(key__in=portion).values_list()}


def say_applied(entry: dict[str, Any], versions: Mapping[str, int]) -> dict[str, Any]:
    """Add to an object of a dump the versions of the image and QR code that it no longer has.

    They let the stack distinguish an image that somebody removed from one that the site has not received yet.
    """
    if entry["model"] != site_changes.ITEM:
        return entry
    empty = (name for name in sorted(site_changes.MEDIA) if not entry["fields"].get(name))
    keys = {name: key_of(site_changes.ITEM, entry["pk"], name) for name in empty}
    applied = {name: versions[key] for name, key in keys.items() if key in versions}
    return {**entry, "applied": applied} if applied else entry
