"""The media bucket: the only module that talks to S3. Keys are OpenMakerSuite's media paths.

inventory/images/{sku or id}.{jpg,png,webp}     item images
CACHE/{the image's key}.webp                    their thumbnails
inventory/qrcodes/qr_{item id}.png              QR codes
index_cards/card_{item id}.pdf                  index cards
uploads/images/{item id}/…, imports/…, rejected/…   uploads and imports
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from makertasks import settings
from makertasks.aws import session
from makertasks.aws.errors import Answered, asking
from makertasks.errors import MakertasksError, NotFound, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

# Seconds for which a presigned link is valid: long enough for a page that is left open for a while.
LINK_SECONDS = 900
# How long one address of a picture is given out again.
STEADY_SECONDS = 300


@dataclass(frozen=True)
class StoredObject:
    """An object's bytes and metadata."""

    body: bytes
    content_type: str
    metadata: dict[str, str]


# Error codes of a missing object.
_NOT_FOUND = ("NoSuchKey", "NotFound", "404")


def put(
    key: str,
    body: bytes,
    content_type: str,
    metadata: dict[str, str] | None = None,
    *,
    raises: type[MakertasksError] = TemporaryError,
) -> None:
    """Write or replace one object; raises `raises` if S3 fails."""
    with asking(f"S3 did not store {key}", raises=raises):
        session.client("s3").put_object(
            Bucket=settings.bucket(), Key=key, Body=body, ContentType=content_type, Metadata=metadata or {}
        )


def upload(file: Path, key: str, sent: Callable[[int], None]) -> None:
    """Store a file of any size, in parts; `sent` receives the number of bytes of each part. Raises Unavailable."""
    with asking(f"S3 did not store {key}"):
        session.client("s3").upload_file(str(file), settings.bucket(), key, Callback=sent)


@dataclass(frozen=True)
class Version:
    """A key's current version: S3's ETag, empty if there is no object, and the object's metadata."""

    etag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def version(key: str) -> Version:
    """Return a key's current version without reading its content; raises TemporaryError if S3 fails."""
    try:
        with asking(f"S3 could not describe {key}", *_NOT_FOUND, raises=TemporaryError):
            response = session.client("s3").head_object(Bucket=settings.bucket(), Key=key)
    except Answered:
        return Version()
    return Version(response["ETag"], response.get("Metadata", {}))


def replace(key: str, body: bytes, content_type: str, metadata: dict[str, str], seen: Version) -> Version | None:
    """Write one object only if the key's version is still `seen`, and return the new version.

    None if it was written or deleted meanwhile. Raises TemporaryError if S3 fails for another reason.
    """
    condition = {"IfMatch": seen.etag} if seen.etag else {"IfNoneMatch": "*"}
    changed = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
    try:
        with asking(f"S3 did not store {key}", *changed, raises=TemporaryError):
            response = session.client("s3").put_object(
                Bucket=settings.bucket(), Key=key, Body=body, ContentType=content_type, Metadata=metadata, **condition
            )
    except Answered:
        return None
    return Version(response["ETag"], metadata)


def get(key: str, maximum: int | None = None) -> StoredObject:
    """Read one object; raises NotFound, TemporaryError, or ValueError above `maximum` bytes (nothing is read then)."""
    response = open_object(key)
    size = int(response["ContentLength"])
    if maximum is not None and size > maximum:
        raise ValueError(f"{key} has {size} bytes; the limit is {maximum}")
    with asking(f"S3 closed the connection while {key} was being read", raises=TemporaryError):
        body = response["Body"].read()
    return StoredObject(body, response.get("ContentType", ""), response.get("Metadata", {}))


def open_object(key: str) -> dict[str, Any]:
    """Return S3's GetObject response, its body not read yet; raises NotFound or TemporaryError."""
    try:
        with asking(f"S3 could not return {key}", *_NOT_FOUND, raises=TemporaryError):
            response: dict[str, Any] = session.client("s3").get_object(Bucket=settings.bucket(), Key=key)
    except Answered as error:
        raise NotFound(f"the bucket has no object {key}") from error
    return response


def delete(key: str) -> None:
    """Delete one object, if it exists. Raises TemporaryError if S3 fails."""
    with asking(f"S3 did not delete {key}", raises=TemporaryError):
        session.client("s3").delete_object(Bucket=settings.bucket(), Key=key)


def link(key: str, seconds: int = LINK_SECONDS) -> str:
    """Return a presigned link to one object, valid for `seconds`."""
    url: str = session.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": settings.bucket(), "Key": key}, ExpiresIn=seconds
    )
    return url


def is_link(address: str, key: str) -> bool:
    """Whether an address is one that `link` makes for this object: of no other host, bucket or object."""
    given, here = urlsplit(address), urlsplit(session.client("s3").meta.endpoint_url)
    name = settings.bucket()
    ours = {(here.netloc, f"/{name}/{key}"), (f"{name}.{here.netloc}", f"/{key}")}
    return given.scheme == here.scheme and (given.netloc, unquote(given.path)) in ours


def steady_link(key: str) -> str:
    """A presigned address that stays the same for minutes, so that a browser keeps what it has loaded.

    It is valid for at least ten more minutes.
    """
    return _link_within(settings.bucket(), key, int(time.time() // STEADY_SECONDS))


@lru_cache(maxsize=2048)
def _link_within(_bucket: str, key: str, _period: int) -> str:
    return link(key)


def copy(source: str, target: str) -> None:
    """Copy one object inside the bucket, up to 5 GB, without reading it; raises NotFound or TemporaryError."""
    name = settings.bucket()
    try:
        with asking(f"S3 did not copy {source} to {target}", *_NOT_FOUND, raises=TemporaryError):
            session.client("s3").copy_object(Bucket=name, Key=target, CopySource={"Bucket": name, "Key": source})
    except Answered as error:
        raise NotFound(f"the bucket has no object {source}") from error


def keys(prefix: str) -> frozenset[str]:
    """Yield every key that begins with `prefix`, 1,000 per request; raises TemporaryError if S3 fails."""
    pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=settings.bucket(), Prefix=prefix)
    with asking(f"S3 did not list {prefix}", raises=TemporaryError):
        return frozenset(entry["Key"] for page in pages for entry in page.get("Contents", []))


@dataclass(frozen=True)
class Listed:
    """An object in a list of the bucket."""

    key: str
    size: int
    modified: datetime


def pages(prefix: str, after: str = "") -> Iterator[list[Listed]]:
    """Yield the objects that begin with `prefix`, ordered by key, starting after `after`, 1,000 per request.

    Raises TemporaryError if S3 fails.
    """
    listing = session.client("s3").get_paginator("list_objects_v2")
    with asking(f"S3 did not list {prefix}", raises=TemporaryError):
        for page in listing.paginate(Bucket=settings.bucket(), Prefix=prefix, StartAfter=after):
            found = [Listed(each["Key"], each["Size"], each["LastModified"]) for each in page.get("Contents", [])]
            if found:
                yield found


def delete_many(keys: list[str]) -> None:
    """Delete at most 1,000 objects, those that exist. Raises TemporaryError if S3 does not delete one."""
    if not keys:
        return
    wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
    with asking(f"S3 did not delete {len(keys)} objects", raises=TemporaryError):
        refused = session.client("s3").delete_objects(Bucket=settings.bucket(), Delete=wanted).get("Errors", [])
    if refused:
        first = refused[0]
        raise TemporaryError(f"S3 did not delete {first['Key']} and {len(refused) - 1} more: {first.get('Message')}")


def presigned_post(
    key: str, content_type: str, maximum: int, seconds: int = LINK_SECONDS, redirect: str = ""
) -> dict[str, Any]:
    """Return URL and form fields with which anybody can upload one object of that type and of at most `maximum` bytes.

    S3 then redirects the browser to `redirect`, if given.
    """
    fields = {"Content-Type": content_type, **({"success_action_redirect": redirect} if redirect else {})}
    post: dict[str, Any] = session.client("s3").generate_presigned_post(
        settings.bucket(),
        key,
        Fields=fields,
        Conditions=[*({name: value} for name, value in fields.items()), ["content-length-range", 1, maximum]],
        ExpiresIn=seconds,
    )
    return post
