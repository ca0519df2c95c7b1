"""Errors as the API answers them: one shape (RFC 9457, application/problem+json) with the field and the remedy."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from api.access import Forbidden
from makertasks.errors import InvalidRequest, NotFound, PassingError, Unavailable, UnknownItem, UnknownTask

logger = Logger(child=True)


def problem(status: HTTPStatus, detail: str, field: str | None = None) -> Response[str]:
    """An error's answer."""
    body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    if field:
        body["field"] = field
    return Response(status.value, content_type="application/problem+json", body=json.dumps(body))


def _invalid(error: InvalidRequest) -> Response[str]:
    status = HTTPStatus.NOT_FOUND if isinstance(error, UnknownTask) else HTTPStatus.UNPROCESSABLE_ENTITY
    return problem(status, str(error), error.field)


def _absent(error: NotFound | UnknownItem) -> Response[str]:
    return problem(HTTPStatus.NOT_FOUND, str(error))


def _forbidden(error: Forbidden) -> Response[str]:
    return problem(HTTPStatus.FORBIDDEN, str(error))


def _unavailable(error: Unavailable | PassingError) -> Response[str]:
    logger.error("a service refused", reason=str(error))
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "a service behind the API does not answer; try again in a minute")


def _unexpected(error: Exception) -> Response[str]:
    logger.error("unexpected error", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; the log has the details")


def register(app: APIGatewayHttpResolver) -> None:
    """Turn exceptions into answers, in this one place."""
    app.exception_handler(InvalidRequest)(_invalid)
    app.exception_handler([NotFound, UnknownItem])(_absent)
    app.exception_handler(Forbidden)(_forbidden)
    app.exception_handler([Unavailable, PassingError])(_unavailable)
    app.exception_handler(Exception)(_unexpected)
    app.not_found(lambda _error: problem(HTTPStatus.NOT_FOUND, "there is no such address"))
