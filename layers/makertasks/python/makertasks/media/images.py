"""The image of an item: its key, and how a new image replaces the old one.

Image and item change together as far as two stores allow. Keys are those of OpenMakerSuite, so a new image usually
overwrites the old one. The order is: objects, then one conditional write of the item, then cleaning up.

- Objects replace only the version that was seen before the item was read, and the item must still want this image:
  its image_url is unchanged, and its current image was not requested later, by upload or by download. The latest
  request therefore wins, in whichever order tasks run.
- A crash before the item's write leaves the old record, at worst with the new pixels; a crash after it leaves an
  unused object. Running the task again repairs both, since keys and pixels are the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from makertasks import clock
from makertasks.aws import bucket
from makertasks.context import current
from makertasks.errors import TemporaryError, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media.urls import without_credentials

if TYPE_CHECKING:
    from pynamodb.expressions.condition import Condition

    from makertasks.aws.bucket import Version
    from makertasks.media.pictures import Picture

FOLDER = "inventory/images/"

# Metadata of an object: when its image was requested.
WANTED = "wanted"
EXTENSIONS = ("jpg", "png", "webp")

# If two tasks write an item's image at the same time, the second reads again, and usually finds the work done.
ATTEMPTS = 3

# A SKU that is used unchanged as a file's name. Other names contain an exclamation mark, which none of these has.
_PLAIN_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

OUTDATED = "the item's image_url has changed; the download from the new one applies"
OVERTAKEN = "a newer image was requested for the item; that one applies"


def key_of(name: str, extension: str) -> str:
    """Key of the image of a SKU or item id. Different names have different keys, whatever characters they hold.

    >>> key_of("M3-10", "jpg")
    'inventory/images/M3-10.jpg'
    >>> key_of("A/B", "png")
    'inventory/images/A_B!998d3ed8983acf39.png'
    """
    if not _PLAIN_SKU.fullmatch(name):
        readable = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60].strip("._")
        name = f"{readable}!{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return f"{FOLDER}{name}.{extension}"


def thumbnail_key_of(image: str) -> str:
    """Key of an image's thumbnail."""
    return f"CACHE/{image}.webp"


def wants(item: Item, url: str) -> bool:
    """Whether the item wants its image from `url`: if that is its image_url, or if it has none."""
    return not item.image_url or without_credentials(item.image_url) == without_credentials(url)


def attach(item: Item, picture: Picture, source_url: str | None) -> dict[str, Any]:
    """Make `picture` the item's image: writes image and thumbnail, then the item, then removes the replaced objects.

    `source_url` is the address of a download: if the item's image_url is no longer that of `item`, nothing changes and
    the result says so. None is an upload, which counts as the image for the current image_url: only a change of that,
    or a new request for a download, fetches another. A task requested before the item's current image changes nothing
    either. Raises UnknownItem if the item is gone and TemporaryError where a service refuses or other tasks keep
    writing the same image.
    """
    wanted = current().requested or clock.text(clock.now())
    for _ in range(ATTEMPTS):
        image, seen = _place(item, picture)
        seen_thumbnail = bucket.version(thumbnail_key_of(image))
        now = inventory.get_item(item.item_id)
        if source_url is not None and now.image_url != item.image_url:
            return outdated(now)
        if max(now.image_wanted or "", seen.metadata.get(WANTED, "")) > wanted:
            return outdated(now, OVERTAKEN)
        written = _write(item.item_id, picture, image, (seen, seen_thumbnail), wanted)
        if written is None:
            continue
        made = _Made(image, without_credentials(source_url or now.image_url or "") or None, wanted, written)
        return _commit(now, picture, made, _still_wanted(now, wanted, is_upload=source_url is None))
    raise TemporaryError(f"other tasks kept changing the image of item {item.item_id}; it will be retried")


def _place(item: Item, picture: Picture) -> tuple[str, Version]:
    """Return the image's key and its current object: named by SKU, or by id if there is none or another item has it."""
    if item.sku:
        image = key_of(item.sku, picture.extension)
        seen = bucket.version(image)
        if seen.metadata.get("item-id", item.item_id) == item.item_id:
            return image, seen
    image = key_of(item.item_id, picture.extension)
    return image, bucket.version(image)


def _still_wanted(item: Item, wanted: str, *, is_upload: bool) -> Condition:
    newest: Condition = Item.image_wanted.does_not_exist() | (Item.image_wanted <= wanted)
    if is_upload:
        return newest
    if item.image_url is None:
        same: Condition = Item.image_url.does_not_exist()
    else:
        same = Item.image_url == item.image_url
    both: Condition = newest & same
    return both


def outdated(item: Item, reason: str = OUTDATED) -> dict[str, Any]:
    """Return the result for an item that no longer wants a task's image; it keeps its own."""
    return {"image": item.image, "thumbnail": item.thumbnail, "changed": False, "reason": reason}


def _write(
    item_id: str, picture: Picture, image: str, seen: tuple[Version, Version], wanted: str
) -> tuple[Version | None, Version | None] | None:
    """Write image and thumbnail if they differ from the stored ones; None if another task wrote in between.

    Returns the versions written, None for an object that was already there.
    """
    written: list[Version | None] = []
    objects = ((image, picture.body, picture.content_type), (thumbnail_key_of(image), picture.thumbnail, "image/webp"))
    for (key, body, content_type), there in zip(objects, seen, strict=True):
        metadata = {"item-id": item_id, "sha256": hashlib.sha256(body).hexdigest()}
        if there.etag and metadata.items() <= there.metadata.items():
            written.append(None)
            continue
        version = bucket.replace(key, body, content_type, metadata | {WANTED: wanted}, there)
        if version is None:
            return None
        written.append(version)
    return written[0], written[1]


@dataclass(frozen=True)
class _Made:
    """Objects that were written for an item: the image's key, its source, when it was requested, versions."""

    image: str
    source: str | None
    wanted: str
    written: tuple[Version | None, Version | None]


def _commit(item: Item, picture: Picture, made: _Made, condition: Condition) -> dict[str, Any]:
    """Write the item and return the task's result."""
    image, thumbnail = made.image, thumbnail_key_of(made.image)
    digest = hashlib.sha256(picture.body).hexdigest()
    attributes = {"image": image, "thumbnail": thumbnail, "image_source": made.source, "image_digest": digest}
    kept = all(getattr(item, name) == value for name, value in attributes.items())
    try:
        changes = {} if kept else attributes
        is_wanted = inventory.update_item(item.item_id, condition, image_wanted=made.wanted, **changes)
    except UnknownItem:
        _take_back(image, made.written)
        raise
    if not is_wanted:
        now = inventory.get_item(item.item_id)
        if now.image != image:
            _take_back(image, made.written)
        return outdated(now, OVERTAKEN if (now.image_wanted or "") > made.wanted else OUTDATED)
    _clean_up(item, image)
    return {
        "image": image,
        "thumbnail": thumbnail,
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.body),
        "changed": not kept or any(made.written),
    }


def _take_back(image: str, written: tuple[Version | None, Version | None]) -> None:
    """Remove objects just written for an item that does not refer to them, unless they were overwritten since."""
    for key, version in zip((image, thumbnail_key_of(image)), written, strict=True):
        if version is not None and bucket.version(key).etag == version.etag:
            bucket.delete(key)


def _clean_up(item: Item, image: str) -> None:
    """Remove the image that `image` replaced, and any that an interrupted run left under other extensions."""
    if item.image and item.image != image and item.image.startswith(FOLDER):
        _remove(item.image, {item.item_id, None})
    stem = image.rpartition(".")[0]
    for sibling in (f"{stem}.{extension}" for extension in EXTENSIONS):
        if sibling not in {image, item.image}:
            _remove(sibling, {item.item_id})


def _remove(image: str, owners: set[str | None]) -> None:
    """Remove an image and its thumbnail if it belongs to one of `owners` (None: imported, not written by a task)."""
    there = bucket.version(image)
    if there.etag and there.metadata.get("item-id") in owners:
        bucket.delete(thumbnail_key_of(image))
        bucket.delete(image)
