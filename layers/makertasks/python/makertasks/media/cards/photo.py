"""The item's image as a JPEG for a card: no larger than print resolution needs, without metadata."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from makertasks.media import pictures
from makertasks.media.cleaning import DAMAGE, averageable, cleaned
from makertasks.media.formats import KEPT
from makertasks.media.pictures import UnusablePicture

DOTS_AN_INCH = 300
# The largest size of an image on a card, in points (see layout), and in pixels at print resolution.
LARGEST = (98, 111)
PIXELS = (-(-LARGEST[0] * DOTS_AN_INCH // 72), -(-LARGEST[1] * DOTS_AN_INCH // 72))
QUALITY = 85
# `pictures.thumbnail` reduces larger images, which bounds memory at some loss of detail.
MOST_DIRECT_PIXELS = 4_000_000


@dataclass(frozen=True)
class Photo:
    """A JPEG, and its original size in pixels: a card draws it at no more points than that."""

    jpeg: bytes
    width: int
    height: int


def printable(body: bytes) -> Photo:
    """The image at print resolution; raises UnusablePicture."""
    try:
        with Image.open(io.BytesIO(body), formats=KEPT) as image:
            if image.width * image.height > MOST_DIRECT_PIXELS:
                return printable(pictures.thumbnail(body))
            image.draft(None, PIXELS)
            image.load()
            upright = _on_white(averageable(cleaned(image)))
    except (Image.DecompressionBombError, *DAMAGE) as error:
        raise UnusablePicture(f"cannot be decoded as {', '.join(KEPT)} ({type(error).__name__})") from error
    size = upright.size
    upright.thumbnail(PIXELS, reducing_gap=2.0)
    buffer = io.BytesIO()
    upright.save(buffer, "JPEG", quality=QUALITY)
    return Photo(buffer.getvalue(), *size)


def _on_white(image: Image.Image) -> Image.Image:
    """The image in RGB or grey, its transparent parts white like the paper."""
    if not image.has_transparency_data:
        return image if image.mode in {"RGB", "L"} else image.convert("RGB")
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert("RGB")
