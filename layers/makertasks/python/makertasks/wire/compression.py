"""Compressed bodies, decompressed up to a limit: a few bytes may expand to gigabytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from makertasks.wire.values import Malformed

# Maximum bytes of a body or result after decompression: the largest arguments that tasks may have, and their envelope.
# SQS carries 1 MiB at most, and JSON of five times that already becomes some 125 MB of Python objects at worst, which a
# function with 512 MB still holds.
MAX_BYTES = 5 * 1024 * 1024

# Maximum memory of LZMA's decoder; its default preset needs 9 MiB.
_LZMA_MEMORY = 64 * 1024 * 1024


class _Codec(NamedTuple):
    modules: tuple[str, ...]  # the first installed one is used
    decompressor: Callable[[Any], Any]  # makes it from the module
    errors: Callable[[Any], tuple[type[Exception], ...]]


_CODECS = {
    # kombu's "gzip" is zlib's format; 47 reads both, with the largest window.
    "gzip": _Codec(("zlib",), lambda zlib: zlib.decompressobj(47), lambda zlib: (zlib.error,)),
    "bz2": _Codec(("bz2",), lambda bz2: bz2.BZ2Decompressor(), lambda _: (OSError, ValueError)),
    "lzma": _Codec(
        ("lzma",),
        lambda lzma: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY),
        lambda lzma: (lzma.LZMAError, MemoryError),
    ),
    "zstd": _Codec(
        ("compression.zstd", "backports.zstd", "pyzstd"),
        lambda zstd: zstd.ZstdDecompressor(),
        lambda zstd: (zstd.ZstdError,),
    ),
}

# kombu's content types and their aliases.
_NAMES = {
    "application/x-gzip": "gzip",
    "gzip": "gzip",
    "zlib": "gzip",
    "application/x-bz2": "bz2",
    "bzip2": "bz2",
    "bzip": "bz2",
    "application/x-lzma": "lzma",
    "lzma": "lzma",
    "xz": "lzma",
    "application/zstd": "zstd",
    "zstd": "zstd",
    "zstandard": "zstd",
}


def decompress(data: bytes, method: object) -> bytes:
    """Decompress `data` as its `compression` header says; raises Malformed, at MAX_BYTES at the latest."""
    name = _NAMES.get(method) if isinstance(method, str) else None
    if name is None:
        raise Malformed("the body's compression is unknown; use gzip, bzip2, lzma or zstd")
    codec = _CODECS[name]
    module = _first_installed(codec.modules, name)
    decompressor = codec.decompressor(module)
    try:
        # One byte more than allowed distinguishes a body that is too large from one of exactly the maximum size.
        opened: bytes = decompressor.decompress(data, MAX_BYTES + 1)
    except codec.errors(module) as error:
        raise Malformed(f"the body is not {name} data") from error
    if len(opened) > MAX_BYTES:
        raise Malformed(f"the body has more than {MAX_BYTES} bytes when decompressed")
    if not decompressor.eof:
        raise Malformed(f"the body's {name} data is cut off")
    return opened


def _first_installed(modules: tuple[str, ...], name: str) -> Any:
    for module in modules:
        try:
            return importlib.import_module(module)
        except ImportError:
            continue
    raise Malformed(f"the body is compressed with {name}, which this worker cannot read; use gzip")
