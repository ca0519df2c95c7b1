"""Applies tasks' changes to the site's database and media, one attribute at a time.

Each attribute is one `QuerySet.update()` of one column: a concurrent change of stock survives, no signal sends the
change back to the stack, and `updated_at` keeps its value. The same transaction stores the attribute's version; an
older or equal version changes nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import router, transaction

from makertasks.contrib.django import media
from makertasks.contrib.django.models import AppliedVersion, key_of
from makertasks.errors import NotFound
from makertasks.inventory import site_changes
from makertasks.inventory.site_changes import Attribute, Message

logger = logging.getLogger(__name__)

# The attributes that a message can change.
ALLOWED = {
    site_changes.ITEM: {"image", "qr_code"},
    site_changes.LINK: {"average_lead_time", "lead_time_median", "lead_time_p90"},
}


class Gone(Exception):
    """The site has deleted the object."""


def apply(message: Message) -> Counter[str]:
    """Apply a message and count its attributes by outcome.

    applied · older: this or a later version was applied before · gone: the site has deleted the object · superseded:
    the file has been replaced in the bucket, and a newer change follows · unknown: the site has no such column

    Raises NotFound, TemporaryError, OSError or Django's DatabaseError; attributes applied before the error stay
    applied, and applying the message again continues with the others.
    """
    outcomes: Counter[str] = Counter()
    for changed in message.changes:
        for name, attribute in changed.attributes.items():
            outcomes[apply_attribute(changed.model, changed.pk, name, attribute)] += 1
    return outcomes


def apply_attribute(label: str, pk: str, name: str, attribute: Attribute, *, again: bool = False) -> str:
    """Apply one attribute and return the outcome; `again`: even if that version was applied before."""
    found = _column(label, pk, name)
    if found is None:
        return "unknown"
    model, key = found
    using = router.db_for_write(model)
    version = key_of(label, pk, name)
    if not again and AppliedVersion.objects.using(using).filter(key=version, version__gte=attribute.version).exists():
        return "older"
    is_file = name in site_changes.MEDIA and bool(attribute.value)
    if is_file:
        media.check(str(attribute.value))
    try:
        body = media.fetch(str(attribute.value), attribute.link) if is_file and media.copies() else None
    except NotFound:
        return "superseded"
    try:
        with transaction.atomic(using=using):
            if not AppliedVersion.advance(version, attribute.version, using) and not again:
                return "older"
            _write(model, key, name, attribute.value, body, using)
    except Gone:
        return "gone"
    return "applied"


def _column(label: str, pk: str, name: str) -> tuple[Any, Any] | None:
    """The model and the primary key's value; None if this site has no such model, column or type of key."""
    if name not in ALLOWED.get(label, ()):
        return None
    try:
        model = apps.get_model(label)
        model._meta.get_field(name)  # noqa: SLF001 - Django's public `Model._meta`
        return model, model._meta.pk.to_python(pk)  # noqa: SLF001 - as above
    except (LookupError, FieldDoesNotExist, ValidationError):
        return None


def _write(model: Any, pk: Any, name: str, value: Any, body: bytes | None, using: str) -> None:
    """Write one column, and its file; raises Gone."""
    rows = model._base_manager.using(using).filter(pk=pk)  # noqa: SLF001 - Django's public `Model._base_manager`
    before = rows.first()
    if before is None or not rows.update(**{name: value}):
        raise Gone
    if name not in site_changes.MEDIA:
        return
    storage = model._meta.get_field(name).storage  # noqa: SLF001 - as above
    if body is not None:
        media.place(storage, str(value), body)
    after = rows.get()
    # Not a partial: Django 4.2 cannot log errors in one.
    transaction.on_commit(lambda: _tidy(before, after, name, using), using=using, robust=True)


def _tidy(before: Any, after: Any, name: str, using: str) -> None:
    """Regenerate the thumbnails, and remove the replaced file unless another object shows it."""
    old, new = str(getattr(before, name) or ""), str(getattr(after, name) or "")
    if old and old != new:
        others = type(after)._base_manager.using(using).filter(**{name: old})  # noqa: SLF001 - as above
        if media.copies() and old.startswith(media.FOLDERS) and not others.exists():
            media.drop_thumbnails(before, name)
            media.remove(getattr(before, name).storage, old)
    media.make_thumbnails(after, name)
