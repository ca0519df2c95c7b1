"""An item's QR code as SVG, drawn locally from the front end's address and the item's id, without a request."""

from __future__ import annotations

import os
from uuid import UUID

from makertasks import settings
from makertasks.client import configuration
from makertasks.media import qr_codes


def qr_code_svg(item_id: UUID | str) -> bytes:
    """Return the SVG of an item's QR code, for printing at any size; needs the extra `makertasks[cli]`.

    Raises NotConfigured if the front end's address is not configured.
    """
    configuration.load()
    if not os.environ.get("FRONTEND_URL"):
        raise configuration.NotConfigured(
            "FRONTEND_URL: not set in the configuration; run `makertasks configure --stack NAME` again"
        )
    return qr_codes.item_svg(settings.frontend_url(), item_id)
