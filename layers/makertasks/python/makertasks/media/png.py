"""Reads a PNG's chunks before decoding: those that determine the picture's look are kept, all others are dropped.

A colour profile, text or time that is damaged, or that unpacks to gigabytes, therefore has no effect, and Pillow
reads one chunk of pixels however many the file has. Format: W3C, PNG specification (third edition).
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# The largest colour profile that is applied; those of print shops have 0.5 to 2.7 MB.
MAX_PROFILE_BYTES = 4 * 1024 * 1024
MAX_EXIF_BYTES = 1024 * 1024

# Number of pixels compared at a time.
BAND_PIXELS = 1_000_000

_INDEXED = 3  # colour type
_DEEP = 16  # bits per sample

# Factors by which Pillow multiplies grey samples of 2 and 4 bits.
_SCALES = {2: 85, 4: 17}


class DamagedPng(ValueError):
    """The chunks do not form a picture; the message says why."""


@dataclass
class Png:
    """The chunks of a PNG that matter."""

    header: bytes = b""
    palette: bytes = b""
    transparency: bytes = b""
    pixels: list[memoryview] = field(default_factory=list)
    profile: bytes | None = None
    exif: bytes | None = None

    def open(self) -> Image.Image:
        """The picture with no pixel decoded, made from these chunks alone."""
        chunks: list[tuple[bytes, list[bytes] | list[memoryview]]] = [(b"IHDR", [self.header])]
        chunks += [(name, [data]) for name, data in ((b"PLTE", self.palette), (b"tRNS", self.transparency)) if data]
        chunks += [(b"IDAT", self.pixels), (b"IEND", [])]
        file = io.BytesIO()
        file.write(SIGNATURE)
        for name, parts in chunks:
            _write(file, name, parts)
        file.seek(0)
        image = Image.open(file, formats=("PNG",))
        if self.profile:
            image.info["icc_profile"] = self.profile
        if self.exif:
            image.info["exif"] = b"Exif\x00\x00" + self.exif
        return image

    def load(self, image: Image.Image) -> Image.Image:
        """Decode the picture from `open`; a colour or grey that means transparent becomes an alpha channel."""
        key = image.info.get("transparency")
        if image.mode == "P" or key is None:
            image.load()
            return image
        depth = self.header[8]
        if depth == _DEEP:
            return self._load_16_bits(image, key)
        image.load()
        mask = (1 << depth) - 1  # bits beyond the depth are ignored
        if isinstance(key, tuple):
            image.putalpha(_differs_from(image, tuple(value & mask for value in key)))  # in place, unlike convert
            del image.info["transparency"]
            return image
        if image.mode != "1":
            image.info["transparency"] = (key & mask) * _SCALES.get(depth, 1)
        return image.convert("LA")

    def _load_16_bits(self, image: Image.Image, key: int | tuple[int, ...]) -> Image.Image:
        """Pillow keeps only the high bytes of colours, so the low bytes are decoded first and compared."""
        if isinstance(key, int):
            image.load()
            alpha = _differs_from(image, key)
            image = grey(image)
            info = image.info
            image = Image.merge("LA", (image, alpha))
            image.info = info
        else:
            low: Any = self.open()
            low.tile = [low.tile[0]._replace(args="RGB;16L")]
            low.load()
            alpha = _differs_from(low, tuple(value & 0xFF for value in key))
            low.close()
            del low
            image.load()
            alpha = ImageChops.lighter(alpha, _differs_from(image, tuple(value >> 8 for value in key)))
            image.putalpha(alpha)
        image.info.pop("transparency", None)
        return image


def read(body: bytes) -> Png:
    """The chunks of a PNG that matter; raises DamagedPng if a damaged one would change the picture's look."""
    png = Png()
    for name, data, intact in _chunks(body):
        if name == b"IEND":
            break
        if name == b"IDAT":
            png.pixels.append(data)
        elif name in _READERS:
            _READERS[name](png, data, intact)
    if not png.header or not png.pixels:
        raise DamagedPng("it has no header" if not png.header else "it has no pixels")
    if png.header[9] == _INDEXED and not png.palette:
        raise DamagedPng("its colours refer to a palette, which is missing")
    return png


def grey(image: Image.Image) -> Image.Image:
    """Convert grey from 16 to 8 bits; Pillow's own conversion would turn everything above 255 white."""
    return image.point(lambda value: value * (1 / 256)).convert("L")


def _chunks(body: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Name, data and whether the checksum is correct, for every chunk; of a truncated one, the data that is there."""
    view, at = memoryview(body), len(SIGNATURE)
    while at + 8 <= len(body):
        length, name = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        data = view[at + 8 : at + 8 + length]
        end = at + 12 + length
        # Pixels have a checksum in their compressed data.
        intact = name == b"IDAT" or int.from_bytes(view[end - 4 : end], "big") == zlib.crc32(view[at + 4 : end - 4])
        yield name, data, intact and len(data) == length
        at = end


def _read_header(png: Png, data: memoryview, intact: bool) -> None:
    if not intact or png.header or len(data) != 13:  # noqa: PLR2004 - its length, by the specification
        raise DamagedPng("its header is broken")
    png.header = bytes(data)


def _read_palette(png: Png, data: memoryview, intact: bool) -> None:
    if not intact or not data or len(data) % 3:
        raise DamagedPng("its palette is broken")
    png.palette = bytes(data)


def _read_transparency(png: Png, data: memoryview, intact: bool) -> None:
    if not intact:
        raise DamagedPng("its transparency is broken")
    png.transparency = bytes(data)


def _read_profile(png: Png, data: memoryview, intact: bool) -> None:
    """Read a colour profile: name, a zero, the method (0), the compressed profile; an unreadable one is dropped."""
    _, _, rest = bytes(data).partition(b"\x00")
    if not intact or rest[:1] != b"\x00":
        return
    unpacking = zlib.decompressobj()
    try:
        profile = unpacking.decompress(rest[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return
    png.profile = profile if unpacking.eof else None


def _read_exif(png: Png, data: memoryview, intact: bool) -> None:
    if intact and len(data) <= MAX_EXIF_BYTES:
        png.exif = bytes(data)


_READERS = {
    b"IHDR": _read_header,
    b"PLTE": _read_palette,
    b"tRNS": _read_transparency,
    b"iCCP": _read_profile,
    b"eXIf": _read_exif,
}


def _write(file: io.BytesIO, name: bytes, parts: list[bytes] | list[memoryview]) -> None:
    file.write(sum(len(part) for part in parts).to_bytes(4, "big") + name)
    check = zlib.crc32(name)
    for part in parts:
        file.write(part)
        check = zlib.crc32(part, check)
    file.write(check.to_bytes(4, "big"))


def _differs_from(image: Image.Image, key: int | tuple[int, ...]) -> Image.Image:
    """An alpha channel that is 0 where the picture has the colour or 16-bit grey `key`, else 255; computed in bands."""
    alpha = Image.new("L", image.size)
    height = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, height):
        band = image.crop((0, top, image.width, min(top + height, image.height)))
        if isinstance(key, int):
            differs = band.convert("I").point([0 if value == key else 255 for value in range(1 << 16)], "L")
        else:
            channels = [
                channel.point([0 if value == wanted else 255 for value in range(256)])
                for channel, wanted in zip(band.split(), key, strict=True)
            ]
            differs = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
        alpha.paste(differs, (0, top))
    return alpha
