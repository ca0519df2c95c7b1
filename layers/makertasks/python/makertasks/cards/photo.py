"""The item's image as the JPEG that a card embeds: as small as print allows, without metadata."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import Image, ImageOps

DOTS_AN_INCH = 300
# The largest place for an image on a card, in points (see layout), and the pixels that fill it in print.
PLACE = (198, 118)
PIXELS = (-(-PLACE[0] * DOTS_AN_INCH // 72), -(-PLACE[1] * DOTS_AN_INCH // 72))
QUALITY = 85
FORMATS = ("JPEG", "PNG", "WEBP")
# An image of more pixels is not decoded: 50 million, what the largest ordinary cameras take.
MOST_PIXELS = 50_000_000
# EXIF's orientation, and its values that turn an image by a quarter.
ORIENTATION, TURNED = 0x0112, range(5, 9)


class UnreadableImage(ValueError):
    """The bytes are no image that a card can show."""


@dataclass(frozen=True)
class Photo:
    """A JPEG and the size in pixels of the image it was made from: a card never draws it larger than that, in points."""

    jpeg: bytes
    width: int
    height: int


def printable(body: bytes) -> Photo:
    """The image at the size it is printed; raises UnreadableImage."""
    try:
        with Image.open(io.BytesIO(body), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UnreadableImage(f"it has {image.width}×{image.height} pixels; at most {MOST_PIXELS:,} are drawn")
            sides = image.size[::-1] if image.getexif().get(ORIENTATION) in TURNED else image.size
            image.draft("RGB", PIXELS)
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail(PIXELS, reducing_gap=2.0)
            return Photo(_jpeg(_on_white(upright)), *sides)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        if isinstance(error, UnreadableImage):
            raise
        raise UnreadableImage(f"it cannot be decoded as {', '.join(FORMATS)}: {error}") from error


def _on_white(image: Image.Image) -> Image.Image:
    """The image in RGB or grey, its transparent parts white as the paper."""
    if image.mode in {"RGB", "L"} and "transparency" not in image.info:
        return image
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert("RGB")
    return image.convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
