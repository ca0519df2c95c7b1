"""The audit log: `GET /activity`."""

from __future__ import annotations

import msgspec

from api.access import Caller, Role
from api.arguments import Cursor
from api.pages import rendering
from api.requests import Request
from api.routing import Reply, page
from makertasks.control import audit

ENTRIES = 50


class ActivityQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The page of the list."""

    cursor: Cursor = ""


@page("GET", "/activity", Role.VIEWER)
def activity_page(caller: Caller, query: ActivityQuery, request: Request) -> Reply:
    """Actions of users, newest first."""
    found = audit.page(ENTRIES, query.cursor or None)
    return rendering.page(request, caller, "activity.html", section="", **found)
