"""Who may do what: the groups of the user pool, checked after the gateway has checked the token itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from makertasks.errors import MakertasksError


class Role(IntEnum):
    """Each role may do what the ones below it may."""

    NOBODY = 0
    VIEWER = 1  # reads everything
    OPERATOR = 2  # submits, retries, revokes, pauses, purges
    SUPERUSER = 3  # deletes, changes limits


GROUPS = {"viewers": Role.VIEWER, "operators": Role.OPERATOR, "superusers": Role.SUPERUSER}


class Forbidden(MakertasksError):
    """The caller is known but may not do this."""


@dataclass(frozen=True)
class Caller:
    """Who a verified token speaks for."""

    name: str
    role: Role

    def require(self, role: Role) -> None:
        """Raises Forbidden for a caller below `role`."""
        if self.role < role:
            group = next(name for name, level in GROUPS.items() if level is role)
            raise Forbidden(f"this needs the group {group}; ask a superuser to add you to it")


def caller_of(event: dict[str, Any]) -> Caller:
    """The caller of an API Gateway event whose JWT the gateway has verified.

    Groups come as `[a b]`: the gateway writes a list claim so.
    """
    claims = event.get("requestContext", {}).get("authorizer", {}).get("jwt", {}).get("claims", {})
    groups = claims.get("cognito:groups", "")
    names = groups.strip("[]").replace(",", " ").split() if isinstance(groups, str) else groups
    role = max((GROUPS.get(name, Role.NOBODY) for name in names), default=Role.NOBODY)
    return Caller(str(claims.get("username") or claims.get("client_id") or "unknown"), role)
