"""Imports the sample inventory like any OpenMakerSuite dump: as a file under `imports/`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local.connection import Connection

FOLDER = Path(__file__).parent
BUCKET = "sample-images"
CONTENT_TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}

# S3's maximum lifetime of a presigned link is 7 days; the sample is imported again a day earlier.
LINK_SECONDS = 7 * 86400
IMPORT_SECONDS = 6 * 86400

Record = dict[str, Any]  # one object of the dump: model, pk, fields


def records() -> list[Record]:
    """Return the objects of the shipped dump; an item's `image_url` is a file in this folder."""
    loaded: list[Record] = json.loads((FOLDER / "inventory.json").read_text(encoding="utf-8"))
    return loaded


def items() -> dict[str, str]:
    """Return the name of every sample item by its id."""
    return {
        record["pk"]: record["fields"]["name"] for record in records() if record["model"] == "inventory.inventoryitem"
    }


def items_with_image() -> list[str]:
    """Return the ids of the items with an image."""
    return [record["pk"] for record in records() if record["fields"].get("image_url")]


def put_images(connection: Connection) -> dict[str, str]:
    """Put the images into a separate bucket and return a presigned link for each file name in the dump."""
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
    """Return the dump as if exported now: with real links to the images, and the last delivery yesterday."""
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
        if "updated_at" in fields:  # an import skips objects that are older than the inventory's entry
            fields["updated_at"] = _text(now)
        for name in ("ordered_at", "requested_at"):
            if fields.get(name):
                fields[name] = _text(datetime.fromisoformat(fields[name]) + shift)
    return json.dumps(shipped, ensure_ascii=False).encode()


def put(connection: Connection, bucket: str, key: str) -> None:
    """Put the dump into the media bucket; the stack imports it."""
    body = dump(put_images(connection), datetime.now(UTC))
    connection.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
