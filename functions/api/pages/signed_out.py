"""`GET /signed-out`: the page after signing out."""

from __future__ import annotations

from api import sign_in
from api.access import Role
from api.pages import rendering
from api.requests import Request
from api.routing import Reply, page


@page("GET", "/signed-out", Role.NOBODY)
def signed_out_page(request: Request) -> Reply:
    """Show whether the session has ended completely, and the link to sign in again."""
    incomplete = bool(request.cookies.get(sign_in.INCOMPLETE))
    return rendering.page(request, None, "signed_out.html", section="", incomplete=incomplete)
