"""Decodes bodies that a server compressed unasked (content codings, RFC 9110, section 8.4), within a limit."""

from __future__ import annotations

import io
import zlib

import brotli

# Known codings that are not decoded here. Any other word (`UTF-8`, `binary`, `base64`, `aws-chunked`, `none`) is a
# server's mistake, which browsers ignore.
_FOREIGN = frozenset({"compress", "x-compress", "zstd", "dcb", "dcz", "exi", "pack200-gzip"})
_GZIP = frozenset({"gzip", "x-gzip"})
_KNOWN = _GZIP | {"deflate", "br"}

_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15  # zlib's `wbits` for the three formats of deflate

# Bytes that brotli decompresses at a time, approximately.
_STEP_BYTES = 256 * 1024

# Servers compress once; a proxy may have compressed once more.
MOST_CODINGS = 2


class CannotUnpack(ValueError):
    """The body cannot be decoded as its headers say; the message continues a sentence that begins with its address."""


class TooLarge(ValueError):
    """The decompressed body exceeds the limit."""


class Incomplete(ValueError):
    """The compressed data are truncated."""


def codings_of(header: str) -> list[str]:
    """Return the codings to undo, last one first; raises CannotUnpack for unsupported ones.

    >>> codings_of("gzip"), codings_of("aws-chunked"), codings_of("identity, UTF-8")
    (['gzip'], [], [])
    """
    named = [part.strip().lower() for part in header.split(",")]
    for name in named:
        if name in _FOREIGN:
            raise CannotUnpack(f"was compressed ({name}) although that was not requested; use another URL")
    known = [name for name in reversed(named) if name in _KNOWN]
    if len(known) > MOST_CODINGS:
        raise CannotUnpack(f"was compressed {len(known)} times over; use another URL")
    return known


def unpacked(body: bytes, codings: list[str], limit: int) -> bytes:
    """Return the body with its codings undone; raises CannotUnpack, TooLarge or Incomplete."""
    for coding in codings:
        if coding == "br":
            body = _unpacked_brotli(body, limit)
        else:
            body = _inflated(body, _GZIP_BITS if coding in _GZIP else _bits_of(body), limit, coding)
    return body


def _bits_of(body: bytes) -> int:
    """Return zlib's `wbits` for a deflate body; RFC 9110, 8.4.1.2, requires a header that some servers omit."""
    head = int.from_bytes(body[:2], "big")
    return _ZLIB_BITS if body[:1] and body[0] & 0x0F == zlib.DEFLATED and head % 31 == 0 else _RAW_BITS


def _inflated(body: bytes, bits: int, limit: int, coding: str) -> bytes:
    out = b""
    while True:  # a gzip file may have several members
        unpacking = zlib.decompressobj(bits)
        try:
            out += unpacking.decompress(body, limit + 1 - len(out))
        except zlib.error:
            raise _mislabelled(coding) from None
        if len(out) > limit:
            raise TooLarge
        if not unpacking.eof:
            raise Incomplete
        body = unpacking.unused_data
        if bits != _GZIP_BITS or not body.startswith(b"\x1f\x8b"):
            return out


def _unpacked_brotli(body: bytes, limit: int) -> bytes:
    """Decompress brotli (RFC 7932); bytes after the end of the compressed data are ignored."""
    unpacking = brotli.Decompressor()
    out = io.BytesIO()
    packed = body
    try:
        while not unpacking.is_finished():
            step = unpacking.process(packed, output_buffer_limit=_STEP_BYTES)
            packed = b""
            out.write(step)
            if out.tell() > limit:
                raise TooLarge
            if not step and not unpacking.is_finished():
                raise Incomplete
    except brotli.error:
        raise _mislabelled("br") from None
    return out.getvalue()


def _mislabelled(coding: str) -> CannotUnpack:
    return CannotUnpack(f"is not compressed as its headers say ({coding}); use another URL")
