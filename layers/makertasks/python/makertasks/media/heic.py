"""HEIC, as iPhones and newer Android phones take photographs: opened by libheif, in the wheel that only decodes.

Rotation, mirroring and cropping that the container asks for are libheif's; EXIF orientation does not count beside them.
"""

from __future__ import annotations

import io
from functools import cache

from PIL import Image

FORMAT = "HEIF"  # Pillow's word, as registered


@cache
def _register() -> None:
    """Import the library only where there is a HEIC: few functions need it, and it takes time."""
    import pi_heif  # noqa: PLC0415 - the layer of the cards, which also reads pictures, has none

    pi_heif.register_heif_opener(thumbnails=False)


def opened(body: bytes) -> Image.Image:
    """A picture with its header read and no pixel decoded; 10 and 12 bits a channel become 8 in decoding."""
    _register()
    return Image.open(io.BytesIO(body), formats=(FORMAT,))
