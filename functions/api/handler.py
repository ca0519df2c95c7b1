"""The HTTP API and the pages: authorizes, routes and handles each request."""

from __future__ import annotations

import base64
import re
from contextlib import nullcontext, suppress
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import api.documentation
import api.flower
import api.pages
import api.resources  # noqa: F401 - these declare the routes
from api import problems, routing, sign_in
from api.access import Caller, Role, Unauthenticated
from api.pages import form_errors, rendering
from api.requests import Request
from api.routing import Reply, Route
from makertasks import logs, settings
from makertasks.aws import bucket
from makertasks.errors import InvalidArguments, InvalidRequest, MakertasksError
from makertasks.monitoring import snapshot

logger = logs.logger()

JSON = "application/json"

# https://owasp.org/www-project-secure-headers/: no framing, sniffing, caching or referrers.
SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def answer(request: Request) -> Reply:
    """Return the response to a request, errors included."""
    route: Route | None = None
    path: dict[str, str] = {}
    who = Caller("", Role.NOBODY)
    try:
        if request.method == "OPTIONS":
            allowed = ", ".join(routing.methods(request.path))
            return Reply(status=HTTPStatus.NO_CONTENT, headers={"Allow": allowed})
        route, path = routing.find(request.method, request.path)
        if route.role > Role.NOBODY:
            who = sign_in.caller(request)
            who.require(route.role)
        elif "authorization" not in request.headers:  # other sites' pages cannot send that header
            sign_in.refuse_foreign_pages(request)
        with snapshot.taken() if request.method == "GET" else nullcontext():
            result = route.call(request, who, path)
    except Unauthenticated as error:
        # A live update cannot follow a redirect to the sign-in, so the page shows a notice instead.
        if route and route.is_page and route.role > Role.NOBODY and not rendering.is_update(request):
            return sign_in.to_sign_in(request)
        return problems.of(error)
    except Exception as error:  # noqa: BLE001 - the one place where exceptions become responses
        return _failed(error, request, route, path, _reader(request, who))
    finally:
        # Paths and queries are not logged: they may contain private values.
        logger.append_keys(route=f"{route.method} {route.path}" if route else "", caller=who.name)
    if isinstance(result, Reply):
        return result
    return Reply("" if result is None else routing.encode(result), route.status, JSON)


def _failed(error: Exception, request: Request, route: Route | None, path: dict[str, str], reader: Caller) -> Reply:
    """Return an error: a form with the error beside its field, an error page, or a problem for scripts."""
    is_page = route.is_page if route else "text/html" in request.headers.get("accept", "")
    if isinstance(error, InvalidArguments):
        named = re.fullmatch(r"(\w+): (.*)", str(error), re.DOTALL)
        error = InvalidRequest(f"kwargs.{named[1]}", named[2]) if named else InvalidRequest("kwargs", str(error))
    if route and is_page and isinstance(error, InvalidRequest):
        with suppress(MakertasksError):  # if the form's page fails, too, an error page shows the first error
            if reply := form_errors.again(route, request, reader, path, error):
                return reply
    unfit = route.unfit if route else HTTPStatus.UNPROCESSABLE_ENTITY
    return problems.of(error, page_of=request if is_page else None, caller=reader, unfit=unfit)


def _reader(request: Request, who: Caller) -> Caller:
    """Return the signed-in user even if no route required one, so that error pages keep their navigation."""
    with suppress(MakertasksError):
        return who if who.role > Role.NOBODY else sign_in.caller(request)
    return who


def response(reply: Reply) -> dict[str, Any]:
    """Convert a reply to API Gateway's format, with the security headers."""
    headers = SECURITY_HEADERS | ({"Content-Security-Policy": page_policy()} if "html" in reply.content_type else {})
    headers |= {"Content-Type": reply.content_type} | reply.headers
    return {
        "statusCode": int(reply.status),
        "headers": headers,
        "cookies": reply.cookies,
        "body": reply.body if isinstance(reply.body, str) else base64.b64encode(reply.body).decode(),
        "isBase64Encoded": isinstance(reply.body, bytes),
    }


@cache
def page_policy() -> str:
    """Return the pages' content security policy: the API's own scripts and styles, the bucket's pictures and PDFs."""
    link = urlsplit(bucket.link("inventory/images/"))
    upload = urlsplit(bucket.presigned_post("uploads/", "image/jpeg", 1)["url"])
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: {link.scheme}://{link.netloc}",
            # For a card's PDF in the browser's viewer: browsers check an <object> against either of these.
            f"object-src {link.scheme}://{link.netloc}",
            f"frame-src {link.scheme}://{link.netloc}",
            "connect-src 'self'",
            "font-src 'self'",
            f"form-action 'self' {settings.sign_in_address()} {upload.scheme}://{upload.netloc}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Handle one request from API Gateway (payload format 2.0)."""
    try:
        request = Request.of(event)
    except Exception as error:  # noqa: BLE001 - an unreadable request gets a response, too
        return response(problems.of(error))
    reply = answer(request)
    logger.info("request handled", status=int(reply.status))
    return response(reply)
