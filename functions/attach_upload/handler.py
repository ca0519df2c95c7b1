"""Lambda function of `makertasks.attach_upload`."""

from __future__ import annotations

from typing import Annotated, Any

from makertasks.media import uploads
from makertasks.tasks import ObjectVersion, object_under, task
from makertasks.worker.handler import lambda_handler

Key = Annotated[str, object_under("uploads/")]


@task(
    "makertasks.attach_upload",
    system=True,
    item_of=lambda kwargs: uploads.item_of(kwargs["key"]),
    writes=("inventory/images/", "CACHE/"),
    example={"key": "uploads/images/b3515d30-e44f-455a-a04a-d4199241840e/photo.jpg"},
)
def attach_upload(key: Key, etag: ObjectVersion | None = None) -> dict[str, Any]:
    """Make a picture uploaded under `uploads/images/{item id}/` the item's image.

    Reads the item and the bucket's object `key` (only the version `etag`, if given). Writes the image and its thumbnail
    and sets the item's `image`, `thumbnail` and `image_source`, as a download does; then deletes the upload. An
    unusable upload is moved to `rejected/`, with the reason in `{name}.reason.txt` beside it.

    Raises PermanentError if the upload is unusable, gone or replaced, and TemporaryError if a service fails.
    """
    from . import attaching  # loaded on the first run: the API imports this module only to learn the signature

    return attaching.run(key, etag)


handler = lambda_handler(attach_upload)
