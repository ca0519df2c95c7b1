"""QR codes that hold an item's scan address: the matrix, and pictures of it as PNG and SVG.

    code = encode(scan_url(settings.frontend_url(), item_id))
    code.png()          1-bit PNG
    code.svg()          SVG
    code.runs()         dark strips, for drawing it as vectors

Level M and a quiet zone of four modules, as ISO/IEC 18004 asks.

The `qrcode` library encodes. It spends most of its time on trying eight masks, each evaluated module by module. That
is done here on whole matrices, one integer each: the standard's same rule in a fraction of the time.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any
from urllib.parse import quote
from uuid import UUID

from makertasks.errors import PermanentError

QUIET_ZONE = 4  # modules on each side: ISO/IEC 18004, 6.3.8
PIXELS_A_MODULE = 10  # of the PNG, as the qrcode library draws it
DOTS_AN_INCH = 300  # of the PNG: a module is 0.85 mm wide in print
MM_AN_INCH = 25.4
MASKS = 8

# Penalty weights N1 to N4 of ISO/IEC 18004, 7.8.3.1, table 11.
RUN_WEIGHT, BLOCK_WEIGHT, FINDER_WEIGHT, BALANCE_WEIGHT = 3, 3, 40, 10
# Finder-like sequences (dark 1, light 0), preceded or followed by four light modules.
FINDER_LIKE = ("10111010000", "00001011101")

# Scheme, host, and the rest: a port, a path, a query, a fragment.
_ADDRESS = re.compile(r"(https?)://([^\s/?#:@\\]+|\[[0-9a-fA-F:.]+\])((?::[0-9]*)?(?:[/?#].*)?)", re.IGNORECASE)
_KEPT = "%/?#[]@!$&'()*+,;=:~"  # RFC 3986's reserved characters, and percent signs, which are checked separately
_STRAY_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")


def scan_url(base: str, item_id: UUID | str) -> str:
    """The address of an item's scan page in the front end; `base` may end with slashes.

    >>> scan_url("https://makers.example/", "98022698-88f6-41d4-a196-53fb4c1f8059")
    'https://makers.example/scan/98022698-88f6-41d4-a196-53fb4c1f8059'
    """
    return f"{ascii_address(base).rstrip('/')}/scan/{item_id}"


def ascii_address(url: str) -> str:
    """The address in ASCII only, which every QR code reader understands: some guess the encoding of other letters.

    The host is written in punycode (IDNA 2008 with the mapping of UTS 46, as browsers do), the rest percent-encoded;
    percent-encoded letters stay as they are. Raises PermanentError if this is not an address.

    >>> ascii_address("https://größe.example:8080/mein lager/ä?x=%20#/")
    'https://xn--gre-6ka8i.example:8080/mein%20lager/%C3%A4?x=%20#/'
    """
    match = _ADDRESS.fullmatch(url.strip())
    if match is None:
        raise PermanentError(f"FrontendUrl: {url[:80]!r} is not a URL such as https://inventory.example.org")
    scheme, host, rest = match.groups()
    if not host.isascii():
        import idna  # noqa: PLC0415 - most hosts need none of it

        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError as error:
            raise PermanentError(f"FrontendUrl: the host {host[:80]!r} is not valid ({error})") from error
    encoded = _STRAY_PERCENT.sub("%25", quote(rest, safe=_KEPT))
    return f"{scheme.lower()}://{host}{encoded}"


def item_svg(base: str, item_id: UUID | str) -> bytes:
    """The SVG of the code that opens an item's scan page; raises PermanentError if `base` is not an address."""
    url = scan_url(base, item_id)
    return encode(url).svg(f"QR code: {url}")


@dataclass(frozen=True)
class ScanCode:
    """A QR code: `size` modules per side without the quiet zone, and its rows as strings of 1 (dark) and 0."""

    text: str
    size: int
    rows: tuple[str, ...]

    @property
    def full_size(self) -> int:
        """Modules per side, including the quiet zone."""
        return self.size + 2 * QUIET_ZONE

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Dark horizontal strips as (column, row, length) in modules, from the quiet zone's top left corner."""
        for number, row in enumerate(self.rows):
            column = row.find("1")
            while column >= 0:
                end = row.find("0", column)
                end = self.size if end < 0 else end
                yield column + QUIET_ZONE, number + QUIET_ZONE, end - column
                column = row.find("1", end)

    def png(self, pixels: int = PIXELS_A_MODULE) -> bytes:
        """1-bit greyscale PNG, `pixels` per module, at 300 dots per inch.

        Each row of pixels is one filter byte and one packed line.
        """
        side = self.full_size * pixels
        stride = (side + 7) // 8
        padding = "1" * (stride * 8 - side)
        margin = "1" * (QUIET_ZONE * pixels)
        widen = str.maketrans({"1": "0" * pixels, "0": "1" * pixels})  # in PNG 1 is white
        blank = (b"\0" + b"\xff" * stride) * (QUIET_ZONE * pixels)
        lines = [
            (b"\0" + int(margin + row.translate(widen) + margin + padding, 2).to_bytes(stride, "big")) * pixels
            for row in self.rows
        ]
        header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        pixel_data = zlib.compress(b"".join([blank, *lines, blank]))
        dots_a_metre = round(DOTS_AN_INCH * 1000 / MM_AN_INCH)
        density = struct.pack(">IIB", dots_a_metre, dots_a_metre, 1)
        chunks = (b"IHDR", header), (b"pHYs", density), (b"IDAT", pixel_data), (b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)

    def svg(self, title: str = "QR code") -> bytes:
        """SVG of one path, one unit per module, at the PNG's print size; it scales to any other."""
        side = self.full_size
        size = f"{side * PIXELS_A_MODULE / DOTS_AN_INCH * MM_AN_INCH:g}mm"
        path = "".join(f"M{column} {row}h{length}v1h-{length}z" for column, row, length in self.runs())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
            f'viewBox="0 0 {side} {side}" role="img" shape-rendering="crispEdges"><title>{escape(title)}</title>'
            f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{path}"/></svg>\n'
        ).encode()


def encode(text: str) -> ScanCode:
    """QR code of `text` at level M, in the smallest version that holds it; raises ValueError if none does."""
    from qrcode.exceptions import DataOverflowError  # noqa: PLC0415 - importing this module stays cheap

    code = _library_code(mask=0)
    code.add_data(text)
    try:
        code.make()
    except (DataOverflowError, ValueError) as error:  # the library raises one or the other, depending on the length
        raise ValueError(f"{len(text)} characters do not fit a QR code, use fewer: {text[:80]!r} …") from error
    size = code.modules_count
    first = _as_number(code.modules)
    masked = (first ^ delta for delta in _mask_deltas(code.version))
    number = min(masked, key=lambda candidate: penalty(candidate, size))
    bits = format(number, f"0{size * size}b")
    return ScanCode(text, size, tuple(bits[start : start + size] for start in range(0, size * size, size)))


def _library_code(mask: int, version: int | None = None) -> Any:
    import qrcode  # noqa: PLC0415 - importing this module stays cheap

    return qrcode.QRCode(version, qrcode.ERROR_CORRECT_M, border=QUIET_ZONE, mask_pattern=mask)


def _as_number(modules: list[list[bool]]) -> int:
    """All modules, row by row, as the bits of one number; the top left one is the highest bit."""
    return int("".join("1" if module else "0" for row in modules for module in row), 2)


@cache
def _mask_deltas(version: int) -> tuple[int, ...]:
    """Differences that turn a code with mask 0 into the same code with masks 0 to 7, by exclusive or.

    A mask is laid over the data by exclusive or, and the format bits depend on level and mask alone, so the difference
    is the same for any content. The library draws the eight once for each version.
    """
    code = _library_code(mask=0, version=version)
    code.add_data("0")
    drawn = []
    for mask in range(MASKS):
        code.mask_pattern = mask
        code.make(fit=False)
        drawn.append(_as_number(code.modules))
    return tuple(drawn[0] ^ number for number in drawn)


@cache
def _area(size: int, columns: int, rows: int) -> int:
    """A number with ones at the modules of the top left `columns` by `rows`."""
    return int(("1" * columns + "0" * (size - columns)) * rows + "0" * size * (size - rows), 2)


def penalty(number: int, size: int) -> int:
    """Penalty of a matrix by ISO/IEC 18004, 7.8.3.1: the lower, the easier to scan.

    Shifting by 1 aligns each module with its right neighbour, by `size` with the one below.
    """
    across = ~(number ^ (number << 1)) & _area(size, size - 1, size)  # equal to the right neighbour
    down = ~(number ^ (number << size)) & _area(size, size, size - 1)  # equal to the one below
    blocks = across & (across << size) & down
    dark = number.bit_count() * 100 / (size * size)
    return (
        _run_penalty(across, 1)
        + _run_penalty(down, size)
        + BLOCK_WEIGHT * blocks.bit_count()
        + _finder_penalty(number, 1, _area(size, size - 10, size))
        + _finder_penalty(number, size, _area(size, size, size - 10))
        + BALANCE_WEIGHT * int(abs(dark - 50) / 5)
    )


def _run_penalty(equal: int, step: int) -> int:
    """N1: three points for a run of five equal modules, and one for each further module."""
    pairs = equal & (equal << step)
    fives = pairs & (pairs << 2 * step)  # starts of five equal modules
    starts = fives & ~(fives >> step)
    return fives.bit_count() + (RUN_WEIGHT - 1) * starts.bit_count()


def _finder_penalty(number: int, step: int, area: int) -> int:
    """N3: forty points for each sequence that looks like a finder pattern."""
    shifted = [number << index * step for index in range(len(FINDER_LIKE[0]))]
    count = 0
    for sequence in FINDER_LIKE:
        found = area
        for module, bit in zip(shifted, sequence, strict=True):
            found &= module if bit == "1" else ~module
        count += found.bit_count()
    return FINDER_WEIGHT * count


def _chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk: length, kind, body, checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
