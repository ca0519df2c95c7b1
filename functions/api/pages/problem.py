"""What a page says where it cannot answer: wrong, absent, forbidden, or out of order."""

from __future__ import annotations

from http import HTTPStatus

from api import problems
from api.access import Caller, Role
from api.pages import rendering
from api.requests import Request

TITLES = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "That does not fit",
    HTTPStatus.NOT_FOUND: "Not here",
    HTTPStatus.FORBIDDEN: "Not for your role",
    HTTPStatus.UNAUTHORIZED: "Signed out",
    HTTPStatus.CONFLICT: "Not now",
    HTTPStatus.SERVICE_UNAVAILABLE: "No answer from a service behind this",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
}


def problem_page(status: HTTPStatus, detail: str, request: Request, caller: Caller | None) -> str:
    """A page for an error's status."""
    known = caller if caller and caller.role > Role.NOBODY else None
    return rendering.render(
        request, known, "problem.html", section="", title=TITLES.get(status, status.phrase), detail=detail
    )


problems.set_page_renderer(problem_page)
