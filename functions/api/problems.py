"""Errors as the API returns them: problem documents (RFC 9457) that name the field and the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import NotRequired, TypedDict

from aws_lambda_powertools import Logger

from api.access import Caller, Forbidden, Unauthenticated
from api.actions import Conflict
from api.requests import Request, TooLarge
from api.routing import NoRoute, Reply
from makertasks import masking
from makertasks.errors import (
    InvalidRequest,
    NotFound,
    TemporaryError,
    Unavailable,
    UnknownItem,
    UnknownTask,
)
from makertasks.inventory.table import Unreadable
from makertasks.records.lifecycle import StillActive

logger = Logger(child=True)

CONTENT_TYPE = "application/problem+json"


class Problem(TypedDict):
    """An error (RFC 9457). `field` names the invalid part of the request."""

    type: str
    title: str
    status: int
    detail: str
    field: NotRequired[str]


Renderer = Callable[[HTTPStatus, str, Request, Caller | None], str]
_page_renderer: list[Renderer] = []


def set_page_renderer(render: Renderer) -> None:
    """Set the function that renders error pages: `render(status, detail, request, caller)` returns HTML."""
    _page_renderer[:] = [render]


def reply(
    status: HTTPStatus,
    detail: str,
    field: str | None = None,
    *,
    page_of: Request | None = None,
    caller: Caller | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """Return an error: an error page for `page_of`, a browser's request, or else a problem document."""
    if page_of and _page_renderer:
        return Reply(_page_renderer[0](status, detail, page_of, caller), status, headers=headers or {})
    body: Problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if field:
        body["field"] = field
    return Reply(json.dumps(body), status, CONTENT_TYPE, headers or {})


def of(
    error: Exception,
    *,
    page_of: Request | None = None,
    caller: Caller | None = None,
    unfit: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> Reply:
    """Turn an exception into a response. An unexpected one is logged, and its text is not returned.

    `unfit` is the status of an InvalidRequest.
    """
    status, detail, field, headers = _meaning(error)
    # Errors quote requests and AWS's messages, which would remain in callers' browsers and logs.
    detail = masking.without_accounts(masking.text(detail))
    if isinstance(error, InvalidRequest) and status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = unfit
    return reply(status, detail, field, page_of=page_of, caller=caller, headers=headers)


def _meaning(error: Exception) -> tuple[HTTPStatus, str, str | None, dict[str, str]]:
    headers: dict[str, str] = {}
    field: str | None = None
    detail = str(error)
    match error:
        case Unauthenticated():
            status = HTTPStatus.UNAUTHORIZED
            headers = {"WWW-Authenticate": 'Bearer realm="makertasks", error="invalid_token"'}
        case Forbidden():
            status = HTTPStatus.FORBIDDEN
        case NoRoute():
            status, detail, headers = _no_route(error)
        case NotFound() | UnknownItem():
            status = HTTPStatus.NOT_FOUND
        case UnknownTask():
            status, field = HTTPStatus.NOT_FOUND, error.field
        case InvalidRequest():
            status, field = HTTPStatus.UNPROCESSABLE_ENTITY, error.field
        case StillActive() | Conflict() | Unreadable():
            status = HTTPStatus.CONFLICT
        case TooLarge():
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        case Unavailable() | TemporaryError():
            logger.error("service unavailable", reason=str(error))
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "60"}
            detail = "a service behind the API is unavailable; try again in a minute"
        case _:
            logger.error("unexpected error", exc_info=error)
            status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; the API's log has the details"
    return status, detail, field, headers


def _no_route(error: NoRoute) -> tuple[HTTPStatus, str, dict[str, str]]:
    if not error.allowed:
        return HTTPStatus.NOT_FOUND, "there is nothing at this address; check its spelling", {}
    allowed = ", ".join(error.allowed)
    return HTTPStatus.METHOD_NOT_ALLOWED, f"this address accepts {allowed}", {"Allow": allowed}
