"""Error pages."""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import quote

from api import problems, routing
from api.access import Caller, Role
from api.pages import form_errors, formats, rendering
from api.requests import Request

TITLES = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid request",
    HTTPStatus.NOT_FOUND: "Page not found",
    HTTPStatus.FORBIDDEN: "Permission denied",
    HTTPStatus.UNAUTHORIZED: "Sign-in required",
    HTTPStatus.CONFLICT: "Action not possible",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service unavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
}
# What the reader can do.
REMEDIES = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "Correct the address, or go back to the form and correct the field.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Nothing was lost. Try again in a minute.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Try again. If it happens again, tell a superuser what you did and when.",
}
# Paths of pages about task records, which are deleted after their retention period.
OF_RECORDS = ("/tasks/", "/jobs/")
EXPIRED = "It may have been deleted; task records are deleted when their retention period ends."
TYPES = "/task-types/"  # the path of task types; tasks of a removed type are still listed
FIELD = re.compile(r"\A\w+: ")  # a reason's field, omitted on pages that do not exist: they have no form


def problem_page(status: HTTPStatus, detail: str, request: Request, caller: Caller | None) -> str:
    """Render an error page with the remedy and, for signed-in readers, the navigation."""
    is_missing = status == HTTPStatus.NOT_FOUND
    known = caller if caller and caller.role > Role.NOBODY else None
    return rendering.render(
        request,
        known,
        "problem.html",
        section="",
        title=TITLES.get(status, status.phrase),
        detail=formats.sentence(FIELD.sub("", detail) if is_missing else detail),
        remedy=EXPIRED if is_missing and request.path.startswith(OF_RECORDS) else REMEDIES.get(status, ""),
        removed=request.path.removeprefix(TYPES) if is_missing and request.path.startswith(TYPES) else "",
        again=request.method == "GET" and status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        current=_page_of_action(request) if status == HTTPStatus.CONFLICT else "",
    )


def _page_of_action(request: Request) -> str:
    """Return the URL of the page whose button was pressed, empty if there is none: reloading would press it again."""
    if request.method != "POST":
        return ""
    route, values = routing.find(request.method, request.path)
    shown = form_errors.page_of(route)
    return quote(shown.path.format(**values)) if shown else ""


problems.set_page_renderer(problem_page)
