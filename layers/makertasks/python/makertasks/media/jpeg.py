"""Reads a JPEG's segments before decoding: the number of scans, and whether the file is complete.

Format: ITU-T T.81, annex B.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import NamedTuple

from PIL import Image

# Encoders write about ten scans, and each takes a decoder time: a file with 5,000 scans took a minute and a half.
MAX_SCANS = 100

# Each holds up to 64 KB of a profile or of other metadata.
MAX_SEGMENTS = 10_000

END = b"\xff\xd9"

# A marker that ends entropy-coded data, unlike stuffed zeros, fill bytes and restart markers.
_MARK = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]", re.DOTALL)
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9

# Entropy-coded data that decode differently: if a scan still needs data, the pixels differ too.
_PADDINGS = (b"\x00" * 64, b"\x55" * 64, b"\xaa" * 64)


class Structure(NamedTuple):
    """Numbers of scans (up to MAX_SCANS + 1) and segments, and whether the file has an end marker."""

    scans: int
    segments: int
    ended: bool

    @property
    def excessive(self) -> bool:
        """Whether decoding could take far longer than the pixels explain."""
        return self.scans > MAX_SCANS or self.segments > MAX_SEGMENTS


def structure(body: bytes) -> Structure:
    """Read the segments; a thumbnail inside one of them is skipped."""
    scans = segments = 0
    at = 2
    while found := _MARK.search(body, at):
        mark = found[0][1]
        if mark == _END_OF_IMAGE:
            return Structure(scans, segments, ended=True)
        segments += 1
        scans += mark == _START_OF_SCAN
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            break
        at = found.end() + max(2, int.from_bytes(body[found.end() : found.end() + 2], "big"))
    return Structure(scans, segments, ended=False)


def ended(body: bytes, divisor: int) -> bytes:
    """Add the missing end marker to the file; unchanged if pixels are missing too, which Pillow then refuses.

    A picture whose pixels are complete stays the same when it is decoded with different data appended. `divisor`
    reduces width and height in decoding (1, 2, 4 or 8).
    """
    whole = body.removesuffix(b"\xff")
    digests = {_digest(whole + padding + END, divisor) for padding in _PADDINGS}
    return whole + END if len(digests) == 1 else body


def _digest(body: bytes, divisor: int) -> int:
    image = Image.open(io.BytesIO(body), formats=("JPEG",))
    image.draft(None, (image.width // divisor, image.height // divisor))
    image.load()
    digest = 0
    for top in range(0, image.height, 64):
        digest = zlib.crc32(image.crop((0, top, image.width, min(top + 64, image.height))).tobytes(), digest)
    return digest
