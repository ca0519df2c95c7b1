"""The audit log."""

from __future__ import annotations

import msgspec

from api.access import Role
from api.arguments import Cursor, Limit
from api.routing import route
from makertasks.control import audit

AN_ENTRY = {
    "id": "2026-11-22T09:30:00.000000Z#5f1c09aa",
    "when": "2026-11-22T09:30:00.000000Z",
    "who": "ann",
    "action": "pause queue",
    "target": "generate_qr_code",
    "details": {},
}


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query: the page of the list."""

    limit: Limit = 50
    cursor: Cursor | None = None


@route("GET", "/v1/audit", Role.VIEWER, tag="System", example={"entries": [AN_ENTRY], "cursor": None})
def list_audit(query: AuditQuery) -> audit.Page:
    """List users' actions, such as purging, revoking, deleting or pausing, newest first."""
    return audit.page(query.limit, query.cursor)
