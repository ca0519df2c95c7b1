"""The versions of applied attributes, and the ids of received messages."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, models, transaction


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
