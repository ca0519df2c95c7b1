"""`GET /signed-out`: where signing out leads."""

from __future__ import annotations

from api import sign_in
from api.access import Role
from api.pages import rendering
from api.requests import Request
from api.routing import Reply, page


@page("GET", "/signed-out", Role.NOBODY)
def signed_out_page(request: Request) -> Reply:
    """That the session has ended, or what of it could not be ended, and the way back in."""
    incomplete = bool(request.cookies.get(sign_in.INCOMPLETE))
    return rendering.page(request, None, "signed_out.html", section="", incomplete=incomplete)
