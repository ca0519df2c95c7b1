"""The pages' style sheet, script and icon, served by the API under names that contain a digest of their content.

Files are not built: each is the concatenation of its parts. Browsers cache a file for a year; a changed file has a new
name.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from api.access import Role
from api.requests import Request
from api.routing import Reply, page
from makertasks.errors import NotFound

FOLDER = Path(__file__).parents[1] / "static"
PARTS = {
    "pages.css": ("vendor/pico-2.1.1.min.css", "pages.css"),
    "pages.js": ("vendor/htmx-4.0.1.min.js", "pages.js", "combobox.js", "palette.js", "picker.js", "search.js"),
    "icon.svg": ("icon.svg",),
}
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"
# The page is from another release and names its file: it gets the current file, and caches it only for a minute.
FOR_A_MINUTE = "public, max-age=60"


@dataclass(frozen=True)
class StaticFile:
    """One file, also compressed."""

    name: str
    content_type: str
    body: bytes
    zipped: bytes


@cache
def _file(name: str) -> StaticFile:
    body = b"\n".join((FOLDER / part).read_bytes() for part in PARTS[name])
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.sha256(body).hexdigest()[:10]
    return StaticFile(f"{stem}.{digest}.{suffix}", TYPES[f".{suffix}"], body, gzip.compress(body, 9, mtime=0))


def address(name: str) -> str:
    """Return the URL of a file in `PARTS`."""
    return f"/static/{_file(name).name}"


@page("GET", "/static/{name}", Role.NOBODY)
def static_file(name: str, request: Request) -> Reply:
    """Return a file by its name with digest; an outdated digest returns the current file."""
    stem, _, suffix = name.rpartition(".")
    known = f"{stem.partition('.')[0]}.{suffix}"
    if known not in PARTS:
        raise NotFound(f"there is no file {name[:100]}")
    file = _file(known)
    headers = {"Cache-Control": FOR_EVER if name == file.name else FOR_A_MINUTE, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Reply(file.zipped, content_type=file.content_type, headers={**headers, "Content-Encoding": "gzip"})
    return Reply(file.body, content_type=file.content_type, headers=headers)
