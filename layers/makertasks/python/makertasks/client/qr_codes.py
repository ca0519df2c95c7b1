"""An item's QR code as SVG, drawn here: it holds the front end's address and the item's id, so it needs no request."""

from __future__ import annotations

import os
from uuid import UUID

from makertasks import settings
from makertasks.client import configuration
from makertasks.media import qr_codes


def qr_code_svg(item_id: UUID | str) -> bytes:
    """The SVG of an item's QR code, for print in any size; needs the extra `makertasks[cli]`.

    Raises NotConfigured where the stack's front end is not known here.
    """
    configuration.load()
    if not os.environ.get("FRONTEND_URL"):
        raise configuration.NotConfigured(
            "FRONTEND_URL: not set, and the configuration does not say; run `makertasks configure --stack NAME` again"
        )
    return qr_codes.item_svg(settings.frontend_url(), item_id)
