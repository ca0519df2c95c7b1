"""The media bucket: the only module that talks to S3. Keys are OpenMakerSuite's media paths.

inventory/images/{sku or id}.{jpg,png,webp}     item images
CACHE/{the image's key}.webp                    their thumbnails
inventory/qrcodes/qr_{item id}.png              QR codes
index_cards/card_{item id}.pdf                  index cards
uploads/images/{item id}/…, imports/…, rejected/…   what people put there
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from makertasks import settings
from makertasks.aws import session
from makertasks.aws.errors import Answered, asking
from makertasks.errors import MakertasksError, NotFound, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

# How long a presigned link works, in seconds: long enough for a page left open over a coffee.
LINK_SECONDS = 900


@dataclass(frozen=True)
class StoredObject:
    """An object's bytes and what S3 says of it."""

    body: bytes
    content_type: str
    metadata: dict[str, str]


# Codes of an object that is not there.
_NOT_FOUND = ("NoSuchKey", "NotFound", "404")


def put(
    key: str,
    body: bytes,
    content_type: str,
    metadata: dict[str, str] | None = None,
    *,
    raises: type[MakertasksError] = TemporaryError,
) -> None:
    """Write one object whole, replacing what was there; raises `raises` where S3 refuses."""
    with asking(f"S3 did not store {key}", raises=raises):
        session.client("s3").put_object(
            Bucket=settings.bucket(), Key=key, Body=body, ContentType=content_type, Metadata=metadata or {}
        )


def upload(file: Path, key: str, sent: Callable[[int], None]) -> None:
    """Store a file of any size, in parts; `sent` gets the number of bytes of each part. Raises Unavailable."""
    with asking(f"S3 did not store {key}"):
        session.client("s3").upload_file(str(file), settings.bucket(), key, Callback=sent)


@dataclass(frozen=True)
class Version:
    """Which content a key has just now: S3's ETag, empty where there is no object, and the object's metadata."""

    etag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def version(key: str) -> Version:
    """The present version of a key, its content not read; raises TemporaryError where S3 refuses."""
    try:
        with asking(f"S3 did not say what {key} is", *_NOT_FOUND, raises=TemporaryError):
            response = session.client("s3").head_object(Bucket=settings.bucket(), Key=key)
    except Answered:
        return Version()
    return Version(response["ETag"], response.get("Metadata", {}))


def replace(key: str, body: bytes, content_type: str, metadata: dict[str, str], seen: Version) -> Version | None:
    """Write one object only where the key still is as it was `seen`; None where it was written or removed meanwhile.

    Answers the version written. Raises TemporaryError where S3 refuses for another reason.
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
    with asking(f"S3 stopped while {key} was read", raises=TemporaryError):
        body = response["Body"].read()
    return StoredObject(body, response.get("ContentType", ""), response.get("Metadata", {}))


def open_object(key: str) -> dict[str, Any]:
    """S3's GetObject response, its body not read yet; raises NotFound or TemporaryError."""
    try:
        with asking(f"S3 did not give {key}", *_NOT_FOUND, raises=TemporaryError):
            response: dict[str, Any] = session.client("s3").get_object(Bucket=settings.bucket(), Key=key)
    except Answered as error:
        raise NotFound(f"the bucket has no object {key}") from error
    return response


def delete(key: str) -> None:
    """Remove one object; removing what is not there is no error. Raises TemporaryError where S3 refuses."""
    with asking(f"S3 did not delete {key}", raises=TemporaryError):
        session.client("s3").delete_object(Bucket=settings.bucket(), Key=key)


def link(key: str, seconds: int = LINK_SECONDS) -> str:
    """A presigned address that shows one object for `seconds`."""
    url: str = session.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": settings.bucket(), "Key": key}, ExpiresIn=seconds
    )
    return url


def copy(source: str, target: str) -> None:
    """Copy one object inside the bucket, up to 5 GB, without reading it; raises NotFound or TemporaryError."""
    name = settings.bucket()
    try:
        with asking(f"S3 did not copy {source} to {target}", *_NOT_FOUND, raises=TemporaryError):
            session.client("s3").copy_object(Bucket=name, Key=target, CopySource={"Bucket": name, "Key": source})
    except Answered as error:
        raise NotFound(f"the bucket has no object {source}") from error


def keys(prefix: str) -> frozenset[str]:
    """Every key that begins with `prefix`, 1,000 a request; raises TemporaryError where S3 refuses."""
    pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=settings.bucket(), Prefix=prefix)
    with asking(f"S3 did not list {prefix}", raises=TemporaryError):
        return frozenset(entry["Key"] for page in pages for entry in page.get("Contents", []))


@dataclass(frozen=True)
class Listed:
    """An object as a list of the bucket names it."""

    key: str
    size: int
    modified: datetime


def pages(prefix: str, after: str = "") -> Iterator[list[Listed]]:
    """The objects that begin with `prefix`, in the order of their keys from behind `after`, at most 1,000 at a time.

    Raises TemporaryError where S3 refuses.
    """
    listing = session.client("s3").get_paginator("list_objects_v2")
    with asking(f"S3 did not list {prefix}", raises=TemporaryError):
        for page in listing.paginate(Bucket=settings.bucket(), Prefix=prefix, StartAfter=after):
            found = [Listed(each["Key"], each["Size"], each["LastModified"]) for each in page.get("Contents", [])]
            if found:
                yield found


def delete_many(keys: list[str]) -> None:
    """Remove objects, at most 1,000; one that is not there is no error. Raises TemporaryError where S3 refuses one."""
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
    """Address and form fields with which anybody may put one object of that type and at most `maximum` bytes.

    A browser is led to `redirect` afterwards, where that is given.
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
