"""The OpenAPI document, and Swagger UI to read it and try it out; both require sign-in."""

from __future__ import annotations

import gzip
from functools import cache
from typing import Any, Literal

from api import openapi
from api.access import Role
from api.requests import Request
from api.routing import Reply, page, route

File = Literal["swagger-ui-bundle.js", "swagger-ui.css", "start.js"]

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>makertasks: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/start.js" defer></script>
</head>
<body>
<main id="document"></main>
</body>
</html>
"""

START = """window.addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: "/v1/openapi.json",
    dom_id: "#document",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "none",
    tryItOutEnabled: true,
    validatorUrl: null,
  });
});
"""

# Swagger UI sets styles from its script.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@route("GET", "/v1/openapi.json", Role.VIEWER, tag="System")
def get_openapi() -> dict[str, Any]:
    """Return this API's OpenAPI document."""
    return openapi.document()


@page("GET", "/docs", Role.VIEWER)
def show_documentation() -> Reply:
    """Show Swagger UI."""
    return Reply(PAGE, headers={"Content-Security-Policy": POLICY})


@page("GET", "/docs/{file}", Role.VIEWER)
def get_documentation_file(file: File, request: Request) -> Reply:
    """Return a file of Swagger UI, compressed if the browser accepts that."""
    kind = f"text/{'css' if file.endswith('.css') else 'javascript'}; charset=utf-8"
    headers = {"Cache-Control": "private, max-age=86400", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Reply(_small(file), content_type=kind, headers=headers | {"Content-Encoding": "gzip"})
    return Reply(_content(file).decode(), content_type=kind, headers=headers)


@cache
def _small(file: str) -> bytes:
    return gzip.compress(_content(file), compresslevel=6, mtime=0)


def _content(file: str) -> bytes:
    if file == "start.js":
        return START.encode()
    import swagger_ui  # noqa: PLC0415 - from a layer that only these files need

    content: bytes = (swagger_ui.DIRECTORY / file).read_bytes()
    return content
