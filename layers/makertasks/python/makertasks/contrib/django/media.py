"""Copies the bucket's objects to the site's own storage, under the same names, and renews imagekit's thumbnails.

With `MAKERTASKS_MEDIA = "bucket"` the site serves media from the bucket (django-storages) and copies nothing.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.files.base import ContentFile

from makertasks.aws import bucket

logger = logging.getLogger(__name__)

# The folders to which tasks write; other keys are refused.
FOLDERS = ("inventory/images/", "inventory/qrcodes/")

# Images stored by tasks are smaller than this.
MAXIMUM_BYTES = 30 * 1024 * 1024
LINK_TIMEOUT_SECONDS = 20


def copies() -> bool:
    """Whether objects are copied into the site's storage."""
    return bool(getattr(settings, "MAKERTASKS_MEDIA", "copy") == "copy")


def check(key: str) -> None:
    """Raise ValueError for a key outside the folders to which tasks write."""
    if not key.startswith(FOLDERS) or ".." in key:
        raise ValueError(f"{key[:100]!r} is not in a folder to which tasks write images")


def fetch(key: str, link: str | None) -> bytes:
    """An object's bytes, by its link or with the site's own AWS identity; raises NotFound, TemporaryError, OSError."""
    if link is None:
        return bucket.get(key, MAXIMUM_BYTES).body
    if not bucket.is_link(link, key):
        raise ValueError(f"link: {urlsplit(link).netloc[:100]!r} is not where the stack's bucket serves {key}")
    with urlopen(Request(link), timeout=LINK_TIMEOUT_SECONDS) as response:  # noqa: S310 - checked above
        body: bytes = response.read(MAXIMUM_BYTES + 1)
    if len(body) > MAXIMUM_BYTES:
        raise ValueError(f"{key} has more than {MAXIMUM_BYTES} bytes")
    return body


def place(storage: Any, name: str, body: bytes) -> None:
    """Store a file under exactly this name, replacing an existing one; atomically if the storage is a folder."""
    try:
        target = storage.path(name)
    except NotImplementedError:
        if storage.exists(name):
            storage.delete(name)
        storage.save(name, ContentFile(body))
        return
    folder, _, last = name.rpartition("/")
    beside = storage.save(f"{folder}/{uuid.uuid4().hex}.{last.rpartition('.')[2]}", ContentFile(body))
    Path(storage.path(beside)).replace(target)


def remove(storage: Any, name: str) -> None:
    """Remove a replaced file; an error is logged."""
    try:
        storage.delete(name)
    except OSError as error:
        logger.warning("a replaced file could not be removed: %s: %s", name, error)


def drop_thumbnails(instance: Any, field: str) -> None:
    """Remove imagekit's cached thumbnails of an image that is about to be replaced."""
    for file in _thumbnails(instance, field):
        remove(file.storage, file.name)


def make_thumbnails(instance: Any, field: str) -> None:
    """Generate imagekit's thumbnails of a new image now, because other processes have cached that they exist."""
    for file in _thumbnails(instance, field):
        try:
            remove(file.storage, file.name)
            file.generate(force=True)
        except Exception as error:  # noqa: BLE001 - Pillow and processors raise anything; the image itself is in place
            logger.warning("no thumbnail of %s: %s", getattr(instance, field), error)


def _thumbnails(instance: Any, field: str) -> Iterator[Any]:
    if not getattr(instance, field):
        return
    try:
        from imagekit.models.fields.utils import ImageSpecFileDescriptor  # noqa: PLC0415 - where the site has it
    except ImportError:
        return
    for model in type(instance).__mro__:
        for name, attribute in vars(model).items():
            if isinstance(attribute, ImageSpecFileDescriptor) and attribute.source_field_name == field:
                yield getattr(instance, name)
