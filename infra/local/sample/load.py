"""Brings the sample inventory into the stack the way an OpenMakerSuite dump comes in: as a file under `imports/`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local.connection import Connection

FOLDER = Path(__file__).parent
BUCKET = "sample-images"
CONTENT_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}

# The longest that S3 lets a presigned link live is 7 days; the sample is imported again a day before.
LINK_SECONDS = 7 * 86400
IMPORT_SECONDS = 6 * 86400

Record = dict[str, Any]  # one object of the dump: model, pk, fields


def records() -> list[Record]:
    """The dump as it is shipped: an item's `image_url` is a file of this folder."""
    loaded: list[Record] = json.loads((FOLDER / "inventory.json").read_text(encoding="utf-8"))
    return loaded


def items() -> dict[str, str]:
    """Name of every sample item by its id."""
    return {
        record["pk"]: record["fields"]["name"] for record in records() if record["model"] == "inventory.inventoryitem"
    }


def items_with_image() -> list[str]:
    """Ids of the items that come with an image."""
    return [record["pk"] for record in records() if record["fields"].get("image_url")]


def put_images(connection: Connection) -> dict[str, str]:
    """Put the images into a bucket of their own; answers a presigned link for each file name of the dump."""
    s3 = connection.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    links = {}
    for path in sorted((FOLDER / "images").iterdir()):
        s3.put_object(Bucket=BUCKET, Key=path.name, Body=path.read_bytes(), ContentType=CONTENT_TYPES[path.suffix])
        links[f"images/{path.name}"] = s3.generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": path.name}, ExpiresIn=LINK_SECONDS
        )
    return links


def dump(links: dict[str, str], now: datetime) -> bytes:
    """The dump as if made now: with real links to the images, and the last delivery yesterday."""
    shipped = records()
    last = max(
        date.fromisoformat(r["fields"]["actual_delivery"]) for r in shipped if r["fields"].get("actual_delivery")
    )
    shift = now.date() - timedelta(days=1) - last
    for fields in (record["fields"] for record in shipped):
        if fields.get("image_url"):
            fields["image_url"] = links[fields["image_url"]]
        if fields.get("actual_delivery"):
            fields["actual_delivery"] = (date.fromisoformat(fields["actual_delivery"]) + shift).isoformat()
        if "updated_at" in fields:  # an import leaves alone what it knows in a newer state
            fields["updated_at"] = _text(now)
        for name in ("ordered_at", "requested_at"):
            if fields.get(name):
                fields[name] = _text(datetime.fromisoformat(fields[name]) + shift)
    return json.dumps(shipped, ensure_ascii=False).encode()


def drop(connection: Connection, bucket: str) -> str:
    """Drop the dump into the media bucket; answers its key. The stack does the rest."""
    now = datetime.now(UTC)
    key = f"imports/sample-inventory-{now:%Y-%m-%d}.json"
    body = dump(put_images(connection), now)
    connection.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return key


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
