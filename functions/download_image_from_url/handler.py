"""Downloads the picture at an item's image_url, cleans it and makes it the item's image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from makertasks import settings
from makertasks.errors import PermanentError
from makertasks.inventory import table as inventory
from makertasks.media import images
from makertasks.media.urls import shown, without_credentials
from makertasks.tasks import ItemId, task
from makertasks.worker.handler import lambda_handler

if TYPE_CHECKING:
    from uuid import UUID

    from download_image_from_url.fetching import Fetcher


Override = Annotated[bool, Meta(description="Use this picture even if the item's image_url is another address")]


@task(
    "inventory.tasks.download_image_from_url",
    writes=("inventory/images/", "CACHE/"),
    button="Download image",
    example={
        "item_id": "b3515d30-e44f-455a-a04a-d4199241840e",
        "image_url": "https://upload.wikimedia.org/wikipedia/commons/4/47/PNG_transparency_demonstration_1.png",
    },
)
def download_image_from_url(item_id: ItemId, image_url: str, override: Override = False) -> dict[str, Any]:
    """Download the picture at `image_url` and make it the item's image, with a thumbnail.

    Reads the item. Writes the image (inventory/images/{SKU or id}.{jpg, png, webp}), its thumbnail under CACHE/, and
    the item's `image`, `thumbnail` and `image_source` in one write; then deletes the image that it replaced. If the
    item's image_url has become another address, nothing changes and the result says so. With `override` the picture is
    used anyway, like an upload, until the item's image_url changes.
    """
    # Loaded on the first run: the API imports this module only to learn the signature.
    from download_image_from_url.fetching import Fetcher

    fetcher = Fetcher(settings.allowed_hosts(), contact=settings.download_contact())
    return download(item_id, image_url, fetcher, override=override)


def download(item_id: UUID, image_url: str, fetcher: Fetcher, *, override: bool = False) -> dict[str, Any]:
    """Download a picture with the given fetcher and attach it to the item; raises the task's exceptions."""
    from download_image_from_url import fetching
    from makertasks.media import pictures

    fetching.parse(image_url)
    item = inventory.get_item(item_id)
    is_own = images.wants(item, image_url)
    if not is_own and not override:
        return images.outdated(item)
    # Messages and records omit an address's credentials, so they are taken from the item's own image_url.
    known = item.image_url or image_url
    body = fetcher.fetch(known if is_own and without_credentials(known) != known else image_url)
    try:
        picture = pictures.prepare(body)
    except pictures.UnusablePicture as error:
        raise PermanentError(f"image_url: what is at {shown(image_url)} {error}") from error
    return images.attach(item, picture, image_url if is_own else None)


handler = lambda_handler(download_image_from_url)
