"""Inventory items with links to their files, and uploads of their pictures."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal, cast
from uuid import UUID

import msgspec
from msgspec import Meta

from api import schemas, views
from api.access import Role
from api.arguments import AN_ITEM, Cursor, Limit
from api.routing import Reply, route
from makertasks import settings
from makertasks.errors import InvalidRequest
from makertasks.inventory import names
from makertasks.inventory import table as inventory
from makertasks.media import uploads

AN_ANSWER = {
    "id": AN_ITEM,
    "name": "M3 hex nuts, 100 pcs",
    "sku": "HW-M3-NUT",
    "minimum_stock": 2,
    "qr_code": f"inventory/qrcodes/qr_{AN_ITEM}.png",
    "links": {"qr_code": f"https://bucket.example/inventory/qrcodes/qr_{AN_ITEM}.png?X-Amz-Expires=900"},
}

ItemId = Annotated[UUID, Meta(description="UUID of the item", examples=[AN_ITEM])]


# The types in `uploads.EXTENSIONS`.
ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/avif"]


class ItemQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query: the beginning or any part of the name, and the page."""

    prefix: Annotated[str, Meta(max_length=200, description="Beginning of the name, case-insensitive")] = ""
    contains: Annotated[
        str,
        Meta(
            max_length=200,
            description="Words that the name contains, case- and accent-insensitive, or the beginning of the id. "
            "New names can be found within a minute",
            examples=["glasses"],
        ),
    ] = ""
    limit: Limit = 50
    cursor: Cursor | None = None


class UploadRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The file to upload."""

    item_id: ItemId
    content_type: Annotated[ContentType, Meta(description="The picture's media type", examples=["image/jpeg"])]


@route("GET", "/v1/items", Role.VIEWER, tag="Items", example={"items": [AN_ANSWER], "cursor": None, "broken": []})
def list_items(query: ItemQuery) -> schemas.ItemList:
    """List items by name, with links to their files.

    With `contains`, names that begin with the text come first.
    """
    if query.prefix and query.contains:
        raise InvalidRequest("contains", "cannot be combined with prefix; send one of them")
    if query.contains.strip():
        found, cursor, broken = names.search(query.contains, query.limit, query.cursor)
    else:
        found, cursor, broken = inventory.list_items(query.limit, query.cursor, query.prefix)
    return {"items": [views.item(entry) for entry in found], "cursor": cursor, "broken": views.broken(broken)}


@route("GET", "/v1/items/{item_id}", Role.VIEWER, tag="Items", example=AN_ANSWER | {"suppliers": [], "broken": []})
def get_item(item_id: ItemId) -> schemas.ItemDetail:
    """Get an item with its suppliers and links to its image, thumbnail, QR code and card."""
    page = inventory.get_item_page(item_id)
    suppliers = [views.supplier(link) for link in page.suppliers]
    return {**views.item(page.item), "suppliers": suppliers, "broken": views.broken(page.broken)}


@route("GET", "/v1/items/{item_id}/qr_code.svg", Role.VIEWER, tag="Items", media=("image/svg+xml",))
def draw_qr_code(item_id: ItemId) -> Reply:
    """Get the item's QR code as SVG, for printing at any size.

    It is drawn for each request, by the same code as the PNG.
    """
    from makertasks.media import qr_codes  # noqa: PLC0415 - few requests need it

    inventory.get_item(item_id)
    drawn = qr_codes.item_svg(settings.frontend_url(), item_id)
    return Reply(
        drawn.decode(),
        content_type="image/svg+xml",
        headers={
            "Content-Disposition": f'inline; filename="qr_{item_id}.svg"',
        },
    )


@route(
    "POST",
    "/v1/uploads",
    Role.OPERATOR,
    status=HTTPStatus.CREATED,
    tag="Items",
    refusals=(HTTPStatus.NOT_FOUND,),
    body_example={"item_id": AN_ITEM, "content_type": "image/jpeg"},
    example={
        "url": "https://bucket.example/",
        "fields": {"key": f"uploads/images/{AN_ITEM}/0f6f.jpg", "policy": "…"},
        "key": f"uploads/images/{AN_ITEM}/0f6f.jpg",
        "expires": "2026-11-22T09:45:00.000000Z",
    },
)
def presign_upload(body: UploadRequest) -> schemas.UploadForm:
    """Create a form for uploading one picture of an item to the bucket, with limits on its type and size."""
    inventory.get_item(body.item_id)
    return cast("schemas.UploadForm", uploads.presigned_post(body.item_id, body.content_type))
