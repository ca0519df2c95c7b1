"""Keeps the inventory table in step with a running OpenMakerSuite.

    class InventoryConfig(AppConfig):
        def ready(self):
            from makertasks.contrib.django.changes import follow_inventory
            follow_inventory()

Every object of the apps `inventory` and `reorder_queue` that is saved or deleted is sent once its transaction is
committed: as a small file of the form that `manage.py dumpdata` writes, under imports/changes/ in the media bucket,
where the same import takes it up that takes whole dumps. A deleted object has the time of its deletion beside its
fields. What arrives twice or late changes nothing, since an older object never replaces a newer one, nor brings a
deleted one back. Signals do not see `QuerySet.update()` and `bulk_create()`; a dump imported now and then brings what
they changed.

Works with Django 4.2 and later, the site's own; nothing else of this package imports it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core import serializers  # type: ignore[import-not-found]  # the site's own
from django.db import transaction  # type: ignore[import-not-found]
from django.db.models.signals import post_delete, post_save  # type: ignore[import-not-found]

from makertasks import clock, settings
from makertasks.aws import session
from makertasks.client import configuration
from makertasks.errors import Unavailable

FOLDER = "imports/changes/"
APPS = frozenset({"inventory", "reorder_queue"})


def follow_inventory(apps: Collection[str] = APPS) -> None:
    """Send every object of these Django apps when it has been saved or deleted; calling it again changes nothing."""
    post_save.connect(partial(_saved, frozenset(apps)), weak=False, dispatch_uid="makertasks.contrib.django")
    post_delete.connect(partial(_deleted, frozenset(apps)), weak=False, dispatch_uid="makertasks.contrib.django")


def send_changes(instances: Iterable[Any], using: str | None = None, *, deleted: Collection[Any] = ()) -> None:
    """Send objects when the transaction is committed, at once where there is none; `deleted` are those that are gone.

    An error then is logged by Django and spoils nothing else: what was saved is saved.
    """
    objects = json.loads(serializers.serialize("json", [*instances, *deleted]))
    moment = clock.text(clock.now())
    for entry in objects[len(objects) - len(deleted) :]:
        entry["deleted"] = moment
    transaction.on_commit(partial(send, objects), using=using, robust=True)


def send(objects: list[dict[str, Any]]) -> str:
    """Put objects, in the form that a dump has, where they are imported; answers the key. Raises Unavailable."""
    configuration.load()
    key = f"{FOLDER}{uuid.uuid4()}.json"
    body = json.dumps(objects, ensure_ascii=False).encode()
    try:
        session.client("s3").put_object(Bucket=settings.bucket(), Key=key, Body=body, ContentType="application/json")
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(f"the changes were not sent: {error}") from error
    return key


def _saved(apps: frozenset[str], sender: Any, instance: Any, raw: bool = False, **given: Any) -> None:
    if sender._meta.app_label in apps and not raw:  # noqa: SLF001 - Django's public `Model._meta`
        send_changes([*_named_by(instance, apps), instance], using=given.get("using"))


def _deleted(apps: frozenset[str], sender: Any, instance: Any, **given: Any) -> None:
    """What it names goes along, as with a change: a link's entry, for one, stands with its item."""
    if sender._meta.app_label in apps:  # noqa: SLF001 - as above
        send_changes(_named_by(instance, apps), using=given.get("using"), deleted=[instance])


def _named_by(instance: Any, apps: frozenset[str]) -> list[Any]:
    """The objects that an object names, those that they name before them: each change can be taken up by itself."""
    found: list[Any] = []
    for field in instance._meta.concrete_fields:  # noqa: SLF001 - Django's public `Model._meta`
        if field.many_to_one and field.related_model._meta.app_label in apps:  # noqa: SLF001 - as above
            named = _named(instance, field)
            if named is not None and named != instance:
                found += [each for each in (*_named_by(named, apps), named) if each not in found]
    return found


def _named(instance: Any, field: Any) -> Any:
    """The object that a field names; None where it is gone already, as what a deletion took along may be."""
    try:
        return getattr(instance, field.name)
    except field.related_model.DoesNotExist:
        return None
