"""Cognito user pools, as far as signing out needs them; signing in goes over the pool's own login pages."""

from __future__ import annotations

from makertasks.aws import session
from makertasks.aws.errors import Answered, asking

# A token that is none of this client's refresh tokens: nobody can renew a session with it.
WORTHLESS = ("InvalidParameterException", "UnauthorizedException", "UnsupportedTokenTypeException")


def revoke(client_id: str, refresh_token: str) -> None:
    """Revoke a refresh token and the access tokens that came of it; one that is not valid needs none.

    Raises Unavailable. Cognito takes this request unsigned, so it needs no permission.
    """
    try:
        with asking("the user pool did not revoke a token", *WORTHLESS):
            session.client("cognito-idp").revoke_token(ClientId=client_id, Token=refresh_token)
    except Answered:
        return
