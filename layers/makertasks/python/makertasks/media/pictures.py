"""Pictures of items: turns untrusted bytes into a clean JPEG, PNG or WebP and its thumbnail.

AVIF, which not every program shows, becomes JPEG, or WebP if it has transparency.

Only the pixels of the original file are kept, and encoded anew here. So the stored file has no location, owner or
device in it, no second file hidden behind it, no animation, and nothing after the picture's end.

Memory is bounded by pixels, read from the file's header before anything is decoded. The figures were measured with
Pillow 13 (`make bench`), peak bytes per pixel: 8 for a JPEG or PNG that is rotated, 12 for a progressive CMYK JPEG
(all its coefficients stay in memory), 19 to decode and up to 30 to encode a WebP with transparency.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

# The plug-ins are imported by name so that Pillow does not search (and import) all of its forty.
from PIL import (  # importing a plug-in registers it
    AvifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from makertasks.errors import PermanentError
from makertasks.media import jpeg, png
from makertasks.media.cleaning import DAMAGE, averageable, cleaned
from makertasks.media.encoding import THUMBNAIL_SIDE, encoded, options_like, thumbnail_of
from makertasks.media.formats import CONVERTED, KEPT, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# A photo of 50 megapixels, the most that common phones take, has 10 to 15 MB.
MAX_BYTES = 20 * 1024 * 1024

EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
CONTENT_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}

# What to do about formats that people expect to work like any other.
REMEDIES = {
    "a HEIC": "On an iPhone choose Settings, Camera, Formats, Most Compatible, or share the photo as JPEG",
    "a GIF": "Save one of its frames as PNG",
    "an SVG": "Export it as PNG",
}


class UnusablePicture(PermanentError):
    """The bytes are not a usable picture; the message continues a sentence that begins with their source."""


@dataclass(frozen=True)
class PixelLimit:
    """Pixels of a format: above `largest` a picture is refused, above `whole` its sides are halved (repeatedly)."""

    largest: int
    whole: int


# JPEG's own limit for a side. Each row takes some memory besides its pixels, which matters for many short rows.
MAX_SIDE = 65_535

# Chosen so that the whole function, including its libraries and both files, stays under 256 MB. A phone's usual 12
# megapixels stay as they are. A JPEG decoder can skip every second pixel; other formats must be decoded completely,
# and averaging a PNG with transparency needs all pixels twice.
LIMITS = {
    "JPEG": PixelLimit(50_500_000, 12_600_000),
    "progressive JPEG": PixelLimit(16_800_000, 12_600_000),
    "JPEG of several scans": PixelLimit(16_800_000, 12_600_000),  # its coefficients stay in memory as well
    "PNG": PixelLimit(18_000_000, 12_600_000),
    "WEBP": PixelLimit(8_300_000, 5_000_000),
    "AVIF": PixelLimit(18_000_000, 12_600_000),
    "AVIF with transparency": PixelLimit(12_600_000, 5_000_000),  # stored as WebP
}


@dataclass(frozen=True)
class Picture:
    """A clean picture: encoded bytes, extension and content type, width and height in pixels, and its thumbnail."""

    body: bytes
    extension: str
    content_type: str
    width: int
    height: int
    thumbnail: bytes  # WebP, at most 300x300


def prepare(body: bytes) -> Picture:
    """Decode, rotate, clean and re-encode a picture of any supported format; of an animation, the first frame.

    Raises UnusablePicture for any other format (which it names), too many pixels, or damage.
    """
    kind = _kind_of(body)
    with _refusing_damage(kind):
        source = _open(body, kind)
        _draft(source.image, source.limit.whole)
        image = source.load()
        stored, options = options_like(source.image, body, kind)
        image = cleaned(_halved(image, source.limit.whole))
        stored_body = encoded(image, stored, options)
        return Picture(
            stored_body, EXTENSIONS[stored], CONTENT_TYPES[stored], image.width, image.height, thumbnail_of(image)
        )


def thumbnail(body: bytes) -> bytes:
    """A WebP of quality 85 that fits in 300x300 and is never larger than the picture; raises UnusablePicture."""
    kind = _kind_of(body)
    with _refusing_damage(kind):
        source = _open(body, kind)
        # Twice the wanted size: the decoder's own scaling is coarse, so Pillow does the last factor.
        source.image.draft(None, (2 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))
        return thumbnail_of(cleaned(_halved(source.load(), source.limit.whole)))


def _kind_of(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise UnusablePicture(f"has {len(body)} bytes; the limit is {MAX_BYTES}. Use a smaller picture")
    kind = name_of(body)
    if kind not in KEPT + CONVERTED:
        remedy = REMEDIES.get(kind, "Use one of these formats")
        raise UnusablePicture(f"is {kind}; only JPEG, PNG, WebP and AVIF are supported. {remedy}")
    return kind


@contextmanager
def _refusing_damage(kind: str) -> Iterator[None]:
    """Turn decoders' exceptions into UnusablePicture, and suppress their warnings.

    Pillow warns of odd metadata, which is removed anyway, and of many pixels, for which our own limits are lower.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise _too_large(kind, None, LIMITS[kind].largest) from error
    except DAMAGE as error:
        # Pillow's message names an unknown file by the address of a buffer, which is useless.
        broken = isinstance(error, UnidentifiedImageError)
        reason = "its header is broken" if broken else " ".join(str(error).split()) or type(error).__name__
        raise UnusablePicture(f"is a damaged or incomplete {_title(kind)} ({reason}). Use an intact one") from error


def _title(kind: str) -> str:
    return kind.replace("WEBP", "WebP")


def _article(kind: str) -> str:
    return f"{'an' if kind.startswith('A') else 'a'} {_title(kind)}"


def _too_large(kind: str, pixels: int | None, largest: int) -> UnusablePicture:
    has = f"{pixels / 1e6:.1f}" if pixels else "too many"
    return UnusablePicture(
        f"has {has} megapixels; the limit for {_article(kind)} is {largest / 1e6:.1f}. Use a smaller picture"
    )


@dataclass(frozen=True)
class _Source:
    """A picture whose header has been read but no pixel decoded, and whose size is within its format's limit."""

    image: Image.Image
    limit: PixelLimit
    png: png.Png | None = None

    def load(self) -> Image.Image:
        """Decode the pixels."""
        if self.png is not None:
            return self.png.load(self.image)
        self.image.load()
        return self.image


def _open(body: bytes, kind: str) -> _Source:
    """Read the header; raises UnusablePicture if decoding could take too much memory or time."""
    if kind == "JPEG":
        return _open_jpeg(body)
    if kind == "PNG":
        chunks = png.read(body)
        return _Source(*_checked(chunks.open(), kind), chunks)
    image = Image.open(io.BytesIO(body), formats=(kind,))
    return _Source(*_checked(image, f"{kind} with transparency" if kind in CONVERTED and _is_clear(image) else kind))


def _is_clear(image: Image.Image) -> bool:
    return image.mode not in {"RGB", "L"}


def _open_jpeg(body: bytes) -> _Source:
    found = jpeg.structure(body)
    if found.excessive:
        raise UnusablePicture(
            f"is a JPEG of more than {jpeg.MAX_SCANS} scans or {jpeg.MAX_SEGMENTS} segments, which could take minutes "
            "to decode. Save it again with an image editor"
        )
    image: Image.Image = Image.open(io.BytesIO(body), formats=("JPEG",))
    several = "JPEG of several scans" if found.scans > 1 else "JPEG"
    image, limit = _checked(image, "progressive JPEG" if image.info.get("progressive") else several)
    if found.scans and not found.ended:
        whole = jpeg.ended(body, _halvings(image, limit.whole))
        image = Image.open(io.BytesIO(whole), formats=("JPEG",))
    return _Source(image, limit)


def _checked(image: Image.Image, name: str) -> tuple[Image.Image, PixelLimit]:
    """A picture and its limit; raises UnusablePicture if it is too large."""
    limit = LIMITS[name]
    pixels = image.width * image.height
    if pixels > limit.largest:
        raise _too_large(name, pixels, limit.largest)
    if max(image.size) > MAX_SIDE:
        raise UnusablePicture(
            f"is {image.width} x {image.height} pixels; the limit for a side is {MAX_SIDE}. Use a smaller picture"
        )
    return image, limit


def _halvings(image: Image.Image, whole: int) -> int:
    """The divisor of width and height (1, 2, 4 or 8) that leaves at most `whole` pixels."""
    return next((n for n in (1, 2, 4) if image.width * image.height <= whole * n * n), 8)


def _draft(image: Image.Image, whole: int) -> None:
    """Let a JPEG's decoder skip pixels; other formats ignore it."""
    divisor = _halvings(image, whole)
    if divisor > 1:
        image.draft(None, (image.width // divisor, image.height // divisor))


def _halved(image: Image.Image, whole: int) -> Image.Image:
    divisor = _halvings(image, whole)
    if divisor == 1:
        # A copy releases the WebP decoder and its two canvases.
        return image.copy() if image.format == "WEBP" else image
    return averageable(image).reduce(divisor)
