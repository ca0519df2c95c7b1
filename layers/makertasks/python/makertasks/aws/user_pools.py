"""Cognito user pools: signing out. Signing in uses the pool's own login pages."""

from __future__ import annotations

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking

# The code for a token that is not a refresh token of this client: nobody can renew a session with it.
WORTHLESS = ("InvalidParameterException", "UnauthorizedException", "UnsupportedTokenTypeException")


def revoke(client_id: str, refresh_token: str) -> None:
    """Revoke a refresh token and its access tokens; an invalid one is ignored.

    Raises Unavailable. Cognito accepts this request unsigned, so it needs no permission.
    """
    try:
        with asking("the user pool did not revoke a token", *WORTHLESS):
            session.client("cognito-idp").revoke_token(ClientId=client_id, Token=refresh_token)
    except Answered:
        return
