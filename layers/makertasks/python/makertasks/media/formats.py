"""Detects a file's format from its bytes, because names and headers can be wrong."""

from __future__ import annotations

# Number of bytes examined: more than a dozen, because an SVG may begin with a long comment.
HEAD_BYTES = 4096

# Formats that pictures keep, and one that is read and stored as one of these.
KEPT = ("JPEG", "PNG", "WEBP")
CONVERTED = ("AVIF",)

# Signatures at the very beginning, from each format's specification.
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "a GIF"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"II+\x00", "a TIFF"),
    (b"MM\x00+", "a TIFF"),
    (b"\x00\x00\x01\x00", "an ICO icon"),
    (b"\x00\x00\x02\x00", "a CUR pointer"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"8BPS", "a Photoshop document"),
    (b"%PDF-", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"qoif", "a QOI"),
    (b"\x1f\x8b", "a gzip file"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"BM", "a BMP"),
)

# Brands of the ISO base media file format (ISO/IEC 14496-12), at offset 8 and from 16 on.
_BRANDS = (
    ((b"avif", b"avis"), "AVIF"),
    ((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC"),
)

_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<script", b"<meta", b"<div", b"<p>", b"<h1")


def name_of(body: bytes) -> str:
    """One of KEPT or CONVERTED; for anything else a description ("a GIF", "an HTML page").

    >>> name_of(b"GIF89a...")
    'a GIF'
    """
    head = body[:HEAD_BYTES]
    if not head:
        return "an empty file"
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head.startswith(b"RIFF"):
        return "WEBP" if head[8:12] == b"WEBP" else "a RIFF sound or video"
    if head[4:8] == b"ftyp":
        return _media(head)
    return _text(head)


def _media(head: bytes) -> str:
    brands = head[8:12] + head[16 : max(16, min(int.from_bytes(head[:4]), 256))]
    for names, kind in _BRANDS:
        if any(brands[at : at + 4] in names for at in range(0, len(brands), 4)):
            return kind
    return "a video"


def _text(head: bytes) -> str:
    """Return the probable format of a text, whose last bytes may be a truncated character."""
    try:
        text = head.decode("utf-8-sig", "ignore" if len(head) == HEAD_BYTES else "strict").encode()
    except UnicodeDecodeError:
        return "a file of an unknown type"
    start = text.lstrip().lower()
    if b"\x00" in text:
        return "a file of an unknown type"
    if b"<svg" in start and start.startswith(b"<"):
        return "an SVG"
    if start.startswith(_PAGE) or b"<html" in start:
        return "an HTML page"
    if start.startswith((b"<?xml", b"<!--", b"<!doctype")):
        return "an XML file"
    return "a JSON text" if start.startswith((b"{", b"[")) else "plain text"
