"""Lambda function of `inventory.tasks.generate_qr_code`."""

from __future__ import annotations

import hashlib
from typing import Any

from makertasks import settings
from makertasks.aws import bucket
from makertasks.inventory import table as inventory
from makertasks.tasks import ItemId, task
from makertasks.worker.handler import lambda_handler

FOLDER = "inventory/qrcodes/"


@task(
    "inventory.tasks.generate_qr_code",
    writes=(FOLDER,),
    button="Generate QR code",
    reads_item=True,
    example={"item_id": "b3515d30-e44f-455a-a04a-d4199241840e"},
)
def generate_qr_code(item_id: ItemId) -> dict[str, Any]:
    """Draw the QR code of an item's scan page as PNG; the API and the command line draw it as SVG on request.

    Reads the item; writes `inventory/qrcodes/qr_{id}.png` and, if its name or content differs, the item's `qr_code`.
    Deletes the item's previous code if that had another name. Raises UnknownItem, or TemporaryError if a service fails.
    """
    # Loaded on the first run: the API imports this module only to learn the signature.
    from makertasks.media import qr_codes

    item = inventory.get_item(item_id)
    url = qr_codes.scan_url(settings.frontend_url(), item_id)
    key = f"{FOLDER}qr_{item_id}.png"
    png = qr_codes.encode(url).png()
    bucket.put(key, png, "image/png")
    before = item.qr_code
    digest = hashlib.sha256(png).hexdigest()
    if (before, item.qr_code_digest) != (key, digest):
        inventory.update_item(item_id, qr_code=key, qr_code_digest=digest)
    if before and before != key and before.startswith(FOLDER):
        bucket.delete(before)
    return {"qr_code": key}


handler = lambda_handler(generate_qr_code)
