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

    Reads the object `key` of the bucket (only the version that `etag` names, where given) and the item. Writes image
    and thumbnail and sets `image`, `thumbnail` and `image_source` of the item, as a download does; then removes the
    upload. An upload that cannot be used is moved to `rejected/`, with the reason beside it in `{name}.reason.txt`.

    Raises PermanentError where the upload cannot be used, is gone or was replaced, and TemporaryError where a service
    refuses.
    """
    from . import attaching  # loaded on the first run: the API imports this module only to learn the signature

    return attaching.run(key, etag)


handler = lambda_handler(attach_upload)
