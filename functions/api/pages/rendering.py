"""Rendering of templates: the only module that knows Jinja, imported when the first page is rendered."""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api import names
from api.access import Caller, Role
from api.pages import formats, static_files
from api.pages.addresses import address
from api.pages.preferences import Preferences
from api.requests import Request
from api.routing import Reply

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
# A build puts the templates here as Python modules: compiling those of one page would add 0.1 s to a cold start.
COMPILED = TEMPLATES.with_name("compiled_templates")
# Minimum size in bytes: for a smaller response, compression adds more headers than it saves.
COMPRESSED_FROM = 600
# A fast level: a page of 50 KB takes less than a millisecond, and is only a tenth larger than at the slowest level.
COMPRESSION = 5


@cache
def environment() -> Environment:
    """Return the templates' environment: output is escaped, undefined names are errors."""
    from jinja2 import (  # noqa: PLC0415 - JSON routes need no Jinja
        Environment,
        FileSystemLoader,
        ModuleLoader,
        StrictUndefined,
    )
    from markupsafe import Markup, escape  # noqa: PLC0415 - comes with Jinja

    found = Environment(
        loader=ModuleLoader(COMPILED) if COMPILED.is_dir() else FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for function in (
        names.words, names.heading, formats.duration, formats.milliseconds, formats.number, formats.size,
        formats.compact, formats.pretty, formats.arguments, formats.cut, formats.worker_of, formats.brief_url,
        formats.about,
    ):  # fmt: skip
        found.filters[function.__name__] = function
    # Allow long names to wrap after underscores and dots.
    found.filters["breakable"] = lambda text: Markup(re.sub(r"([_.]|(?<=.)(?=@))", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped
    # Show names that are in backticks, as in docstrings, as code.
    found.filters["code"] = lambda text: Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
    found.filters["segment"] = segment
    found.globals.update(asset=static_files.address, address=address, Role=Role)
    return found


def compile_templates() -> None:
    """Write every template as a Python module into COMPILED; a build calls this in its copy of the sources."""
    environment().compile_templates(COMPILED, zip=None, ignore_errors=False)


def segment(text: str) -> str:
    """Return text as one segment of a path.

    Characters that API Gateway would misread are escaped twice (`routing.ANY_TEXT`).
    """
    return re.sub("%(25|2F|3F)", r"%25\1", quote(text, safe=""))


def page(request: Request, caller: Caller | None, template: str, status: int = 200, **context: Any) -> Reply:
    """Return a whole page, or the part of it that a live update requests."""
    return reply(request, render(request, caller, template, **context), status)


def render(request: Request | None, caller: Caller | None, template: str, **context: Any) -> str:
    """Return the HTML of a template."""
    shared: dict[str, Any] = {
        "caller": caller,
        "preferences": Preferences.of(request.cookies if request else {}),
        # The response to a form is not a URL to return to, and a notice is shown once.
        "here": address(quote(request.path), dict(request.query), said=None)
        if request and request.method == "GET"
        else "/",
        "is_update": bool(request and is_update(request)),
        "mistakes": request.mistakes if request else {},
        "sent": request.sent if request else {},
    }
    return environment().get_template(template).render(**(shared | context))


def is_update(request: Request) -> bool:
    """Return whether an open page requests a live update."""
    return request.headers.get("hx-request") == "true"


def reply(request: Request, html: str, status: int = 200) -> Reply:
    """Return HTML as a response, compressed if the browser accepts that."""
    body = html.encode()
    headers = {"Vary": "Accept-Encoding, HX-Request"}
    if len(body) < COMPRESSED_FROM or "gzip" not in request.headers.get("accept-encoding", ""):
        return Reply(body, status, headers=headers)
    zipped = gzip.compress(body, COMPRESSION, mtime=0)
    return Reply(zipped, status, headers={**headers, "Content-Encoding": "gzip"})
