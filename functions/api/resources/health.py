"""Health of the API, and the caller's identity."""

from __future__ import annotations

from typing import TypedDict

from api import schemas
from api.access import Caller, Role
from api.routing import route


class Me(TypedDict):
    """The user or machine that the request's token identifies."""

    name: str
    role: str


@route("GET", "/v1/health", Role.NOBODY, tag="System", example={"status": "ok"})
def get_health() -> schemas.Health:
    """Check that the API is running."""
    return {"status": "ok"}


@route("GET", "/v1/me", Role.VIEWER, tag="System", example={"name": "ann", "role": "operator"})
def get_me(caller: Caller) -> Me:
    """Get the user or machine that the request's token identifies."""
    return {"name": caller.name, "role": caller.role.name.lower()}
