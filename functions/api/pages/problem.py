"""Error pages."""

from __future__ import annotations

from http import HTTPStatus

from api import problems
from api.access import Caller, Role
from api.pages import rendering
from api.requests import Request

TITLES = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid request",
    HTTPStatus.NOT_FOUND: "Page not found",
    HTTPStatus.FORBIDDEN: "Permission denied",
    HTTPStatus.UNAUTHORIZED: "Signed out",
    HTTPStatus.CONFLICT: "Not possible now",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service unavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
}


def problem_page(status: HTTPStatus, detail: str, request: Request, caller: Caller | None) -> str:
    """Render an error as a page, with the navigation for signed-in readers."""
    known = caller if caller and caller.role > Role.NOBODY else None
    return rendering.render(
        request, known, "problem.html", section="", title=TITLES.get(status, status.phrase), detail=detail
    )


problems.set_page_renderer(problem_page)
