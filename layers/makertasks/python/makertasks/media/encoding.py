"""Encodes a clean picture and its thumbnail."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, JpegImagePlugin

from makertasks.media.cleaning import averageable
from makertasks.media.formats import CONVERTED

THUMBNAIL_SIDE = 300
THUMBNAIL_QUALITY = 85

# Quality if the source's own quantisation cannot be reused.
QUALITY = 90

# Above this number of pixels WebP is encoded by its fastest method, which needs two thirds of the memory.
WEBP_THOROUGH_PIXELS = 2_000_000


def options_like(image: Image.Image, body: bytes, kind: str) -> tuple[str, dict[str, Any]]:
    """The format for storing a picture, and options that encode it at about its source's quality.

    It loses no visible quality and does not grow.
    """
    if kind == "WEBP":
        return kind, {"lossless": True, "quality": 0} if _is_lossless_webp(body) else {"quality": QUALITY}
    if kind in CONVERTED:
        return ("WEBP" if image.has_transparency_data else "JPEG"), {"quality": QUALITY}
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return kind, {}
    # A file can number its tables freely, and names the one for each component.
    tables = [image.quantization.get(component[3]) for component in image.layer]
    if image.mode == "CMYK" or not tables or None in tables:
        return kind, {"quality": QUALITY}
    return kind, {"qtables": tables, "subsampling": JpegImagePlugin.get_sampling(image)}


def _is_lossless_webp(body: bytes) -> bool:
    """Whether the first image chunk of a WebP's RIFF container is `VP8L`."""
    at = 12
    while at + 8 <= len(body):
        name, size = body[at : at + 4], int.from_bytes(body[at + 4 : at + 8], "little")
        if name in {b"VP8 ", b"VP8L", b"ANMF", b"ALPH"}:
            return name == b"VP8L"
        at += 8 + size + size % 2
    return False


def encoded(image: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    """The bytes to store."""
    if kind == "WEBP":
        options = options | {"method": 4 if image.width * image.height <= WEBP_THOROUGH_PIXELS else 0}
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def thumbnail_of(image: Image.Image) -> bytes:
    """A WebP of quality 85 that fits in 300x300 and is never larger than the picture."""
    small = averageable(image)
    factor = max(small.width, small.height) / THUMBNAIL_SIDE
    if factor > 1:
        size = (max(1, round(small.width / factor)), max(1, round(small.height / factor)))
        small = small.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=THUMBNAIL_QUALITY)
    return out.getvalue()
