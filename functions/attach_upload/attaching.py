"""Checks an upload and attaches it to its item, or moves it to `rejected/` with the reason."""

from __future__ import annotations

from typing import Any

from makertasks.aws import bucket
from makertasks.context import current
from makertasks.errors import PermanentError, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.media import images, pictures, uploads


class Unusable(PermanentError):
    """The upload cannot become an item's image."""


def run(key: str, etag: str | None) -> dict[str, Any]:
    """Attach one upload; raises the task's exceptions."""
    seen = bucket.version(key)
    if not seen.etag:
        return _finished_before(key)
    if etag is not None and seen.etag.strip('"') != etag.strip('"'):
        raise PermanentError(f"the upload has been replaced ({key}); the newer one has its own task")
    try:
        result = _attach(key)
    except Unusable as error:
        raise PermanentError(f"{error}; moved to {_reject(key, str(error))}") from error
    if bucket.version(key).etag == seen.etag:
        bucket.delete(key)
    return result


def _finished_before(key: str) -> dict[str, Any]:
    """Return or raise the result for a missing upload, which an earlier attempt may have processed but not recorded."""
    rejected = uploads.rejected_key_of(key)
    if current().attempt > 1:
        if bucket.version(rejected).etag:
            reason = bucket.get(uploads.reason_key_of(rejected)).body.decode()
            raise PermanentError(f"{reason.strip()}; moved to {rejected}")
        return {"changed": False, "reason": "an earlier attempt attached it and removed the upload"}
    raise PermanentError(f"the upload is no longer in the bucket ({key}); upload the picture again")


def _attach(key: str) -> dict[str, Any]:
    item_id = uploads.item_of(key)
    if item_id is None:
        raise Unusable(f"the upload is not under uploads/images/{{item id}}/, so its item is unknown ({key})")
    try:
        body = bucket.get(key, pictures.MAX_BYTES).body
    except ValueError as error:
        raise Unusable(str(error)) from error
    try:
        item = inventory.get_item(item_id)
        return images.attach(item, pictures.prepare(body), None)
    except UnknownItem as error:
        raise Unusable(f"the inventory has no item {item_id} ({key})") from error
    except pictures.UnusablePicture as error:
        raise Unusable(f"the upload {error} ({key})") from error


def _reject(key: str, reason: str) -> str:
    """Move an upload to `rejected/`, with the reason beside it; repeating this leaves the same two objects."""
    rejected = uploads.rejected_key_of(key)
    bucket.put(uploads.reason_key_of(rejected), f"{reason}\n".encode(), "text/plain; charset=utf-8")
    bucket.copy(key, rejected)
    bucket.delete(key)
    return rejected
