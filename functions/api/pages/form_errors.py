"""A form with an invalid field: its page again, with the submitted values and the error beside the field."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from api import routing
from api.access import Caller
from api.pages import formats, rendering
from api.requests import Request
from api.routing import Reply, Route
from makertasks.errors import InvalidRequest

# Prefix of argument fields, which sets them apart from the form's own fields.
ARGUMENTS = "kwargs."
# Stands for a field where an action is refused although no field is invalid.
REFUSED = "(refused)"


def again(route: Route, request: Request, caller: Caller, path: dict[str, str], error: InvalidRequest) -> Reply | None:
    """Return the form's page with the error; None if no page has the form.

    A page with an invalid parameter in its URL is shown without that parameter.
    """
    shown = page_of(route)
    if shown is None or rendering.is_update(request):
        return None
    if refusal := refusal_of(request, path, error):
        mistakes = {REFUSED: refusal}
    else:
        mistakes = {**request.mistakes, **mistakes_of(error)}
    if request.method == "GET":
        query = {name: value for name, value in request.query.items() if name not in mistakes}
        if query == request.query:
            return None
        sent: dict[str, Any] = {name: value for name, value in request.query.items() if name in mistakes}
    else:
        query, sent = {}, request.form_values()
    address = re.sub(r"{(\w+)}", lambda found: path[found[1]], shown.path)
    following = replace(request, method="GET", path=address, query=query, mistakes=mistakes, sent=sent)
    caller.require(shown.role)
    try:
        reply: Reply = shown.call(following, caller, path)
    except InvalidRequest as other:
        return again(shown, following, caller, path, other)
    return replace(reply, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def refusal_of(request: Request, path: dict[str, str], error: InvalidRequest) -> str:
    """Return why an action without a form is refused, as a sentence; empty if the reader can correct a field.

    A button's form has no fields, and the task that a page is about is not one; arguments have a form.
    """
    is_about_task = error.field == "id" and "task_id" in path
    has_no_fields = not request.form_values() and not error.field.startswith(ARGUMENTS)
    if request.method == "GET" or not (is_about_task or has_no_fields):
        return ""
    reason = error.reason if error.field == "id" else f"{error.field} {error.reason}"
    task_id = path.get("task_id", "")
    about = re.sub(rf"(task )?\b{re.escape(task_id)}\b", "this task", reason) if task_id else reason
    return formats.sentence(about)


def page_of(route: Route) -> Route | None:
    """Return the page that has the form: the page at its path or the nearest one above it.

    The form of `/preferences` is on every page, so its errors are shown on the overview.
    """
    if route.path == "/preferences":
        return routing.exactly("GET", "/")
    path = route.path
    while path:
        if (found := routing.exactly("GET", path)) and found.is_page:
            return found
        path = path.rpartition("/")[0]
    return route if route.method == "GET" else None


def mistakes_of(error: InvalidRequest) -> dict[str, str]:
    """Return an error's reason by the name of the input beside which it is shown.

    >>> mistakes_of(InvalidRequest("kwargs.item_ids[0]", "must be a UUID")), mistakes_of(InvalidRequest("id[3]", "is"))
    ({'kwargs.item_ids': 'must be a UUID'}, {'id': 'is'})
    """
    prefix = ARGUMENTS if error.field.startswith(ARGUMENTS) else ""
    return {prefix + re.split(r"[.\[]", error.field.removeprefix(prefix))[0]: error.reason}
