"""Signs in to the local stack, for which it creates one user per role. On AWS, people have their own users."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from infra.local.connection import Connection

# The user of each role, and its group in the user pool.
GROUPS = {"viewer": "viewers", "operator": "operators", "superuser": "superusers"}

# Seconds before a token expires at which a new one is fetched.
MARGIN_SECONDS = 60


@dataclass
class SignIn:
    """A user of the stack's user pool, and its latest access token."""

    connection: Connection
    client_id: str
    user: str
    password: str
    _token: str = ""
    _ends: float = field(default=0.0)  # time.monotonic() seconds

    @classmethod
    def ready(cls, connection: Connection, outputs: Mapping[str, str], data: Path, user: str = "superuser") -> Self:
        """Return the sign-in of a role's user, created if missing; `data` keeps its generated password."""
        password = passwords(data)[user]
        add_user(connection, outputs["UserPoolId"], user, password, GROUPS[user])
        return cls(connection, outputs["UserPoolClientId"], user, password)

    def token(self) -> str:
        """Return an access token that is valid for at least another minute."""
        if time.monotonic() > self._ends - MARGIN_SECONDS:
            answer: dict[str, Any] = self.connection.client("cognito-idp").initiate_auth(
                ClientId=self.client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": self.user, "PASSWORD": self.password},
            )["AuthenticationResult"]
            self._token = answer["AccessToken"]
            self._ends = time.monotonic() + answer["ExpiresIn"]
        return self._token


def passwords(data: Path) -> dict[str, str]:
    """Return each user's password, generated on first use."""
    kept = data / "sign-in.json"
    known: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    missing = {user: f"Aa1-{secrets.token_urlsafe(12)}" for user in GROUPS if user not in known}
    if missing:
        kept.touch(mode=0o600)
        kept.write_text(json.dumps({**known, **missing}))
    return {user: (known | missing)[user] for user in GROUPS}


def add_user(connection: Connection, pool: str, user: str, password: str, group: str) -> None:
    """Create a user with a permanent password, and add it to a group; no error if it exists."""
    cognito = connection.client("cognito-idp")
    with suppress(cognito.exceptions.UsernameExistsException):
        cognito.admin_create_user(UserPoolId=pool, Username=user, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=user, Password=password, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=user, GroupName=group)
