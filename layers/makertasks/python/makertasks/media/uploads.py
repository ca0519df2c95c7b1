"""Uploads: the folders for pictures and dumps, and the forms that permit uploading."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from makertasks import clock
from makertasks.aws import bucket
from makertasks.errors import InvalidRequest

IMAGES = "uploads/images/"
IMPORTS = "imports/"
REJECTED = "rejected/"

# Permitted content types of uploads, and their files' extensions. The content itself is checked later.
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/avif": "avif",
}

# The same limit as for downloads (`pictures.MAX_BYTES`), repeated here because the API does not include Pillow.
MAX_BYTES = 20 * 1024 * 1024

# How long a form is valid: time to choose a photo and to send it from a phone.
FORM_SECONDS = 900

_IMAGE_KEY = re.compile(re.escape(IMAGES) + r"([^/]+)/[^/].*", re.DOTALL)


def presigned_post(item_id: UUID | str, content_type: str, redirect: str = "") -> dict[str, Any]:
    """What a browser or a script needs to upload one picture: `{url, fields, key, expires}`.

    Send the picture by POST to `url` as multipart/form-data, with the fields first and `file` last. S3 refuses another
    type, another key and more than `MAX_BYTES`, and redirects a browser to `redirect` if that is given. `expires` is an
    ISO 8601 time. Raises InvalidRequest for a type that an item's image cannot have; the caller must check that the
    item exists.
    """
    extension = EXTENSIONS.get(content_type.strip().lower())
    if extension is None:
        raise InvalidRequest(
            "content_type", f"{content_type!r} is not supported; convert the picture to one of {', '.join(EXTENSIONS)}"
        )
    key = f"{IMAGES}{item_id}/{uuid4().hex}.{extension}"
    expires = clock.now() + timedelta(seconds=FORM_SECONDS)
    post = bucket.presigned_post(key, content_type.strip().lower(), MAX_BYTES, FORM_SECONDS, redirect)
    return {"url": post["url"], "fields": post["fields"], "key": key, "expires": clock.text(expires)}


def item_of(key: str) -> UUID | None:
    """Return the item's id from an upload's key, or None.

    >>> item_of("uploads/images/00000000-0000-0000-0000-000000000007/photo.jpg")
    UUID('00000000-0000-0000-0000-000000000007')
    >>> item_of("uploads/images/photo.jpg") is None
    True
    """
    found = _IMAGE_KEY.fullmatch(key)
    try:
        return UUID(found[1]) if found else None
    except ValueError:
        return None


def rejected_key_of(key: str) -> str:
    """The key to which an unusable upload is moved.

    >>> rejected_key_of("uploads/images/7/a.gif")
    'rejected/images/7/a.gif'
    """
    return REJECTED + key.removeprefix("uploads/")


def reason_key_of(rejected: str) -> str:
    """Return the key of the file with the reason, beside the rejected upload."""
    return f"{rejected}.reason.txt"
