"""Authorization: roles, the caller of a request, and the errors for requests that are refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from makertasks import settings
from makertasks.errors import MakertasksError


class Role(IntEnum):
    """Roles in ascending order; each includes the permissions of those below it."""

    NOBODY = 0
    VIEWER = 1  # reads everything
    OPERATOR = 2  # submits, retries, revokes, pauses, purges
    SUPERUSER = 3  # deletes, changes limits


# Groups of the user pool, for people; scopes of its resource server, for machines.
GROUPS = {"viewers": Role.VIEWER, "operators": Role.OPERATOR, "superusers": Role.SUPERUSER}
SCOPES = {
    "makertasks/view": Role.VIEWER,
    "makertasks/operate": Role.OPERATOR,
    "makertasks/administer": Role.SUPERUSER,
}


class Unauthenticated(MakertasksError):
    """The request has no valid token; the message says why, and nothing about the requested resource."""


class Forbidden(MakertasksError):
    """The caller's role does not permit this."""


@dataclass(frozen=True)
class Caller:
    """The user or machine that a verified token belongs to."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Return whether this caller has at least that role."""
        return self.role >= role

    def require(self, role: Role) -> None:
        """Raise Forbidden for a caller below `role`."""
        if not self.may(role):
            group = next(name for name, level in GROUPS.items() if level is role)
            raise Forbidden(f"this requires the group {group}; ask a superuser to add you to it")


def caller_of(claims: dict[str, Any]) -> Caller:
    """Return the caller of a verified access token.

    A person's role comes from the user pool's groups, which count only in tokens of the stack's own app clients; a
    machine's role comes from the scopes granted to its app client.
    """
    groups = claims.get("cognito:groups") or []
    is_own_client = claims.get("client_id") in settings.user_pool_clients()
    by_group = _highest(GROUPS, groups if is_own_client and isinstance(groups, list) else [])
    by_scope = _highest(SCOPES, str(claims.get("scope", "")).split())
    return Caller(str(claims.get("username") or claims.get("client_id") or "unknown"), max(by_group, by_scope))


def _highest(roles: dict[str, Role], names: Iterable[Any]) -> Role:
    return max((roles.get(name, Role.NOBODY) for name in names if isinstance(name, str)), default=Role.NOBODY)
