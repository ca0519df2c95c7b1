"""Verifies access tokens with the user pool's public keys. Only this module authenticates requests."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.exceptions import HTTPError

from api.access import Unauthenticated
from makertasks import settings
from makertasks.errors import Unavailable

if TYPE_CHECKING:
    from jwt import PyJWK

# Cognito signs only with RS256; a token's own `alg` is never trusted.
ALGORITHMS = ["RS256"]
# Minimum seconds between two reads of the keys. A token with an unknown key triggers a read, because keys are replaced
# now and then; forged tokens must not cause one each.
KEYS_SECONDS = 60.0
# Tolerated clock difference in seconds.
LEEWAY_SECONDS = 10
# Cognito's access tokens have about 1,100 characters, more for a user in many groups.
MAXIMUM_CHARACTERS = 8192

_http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=3, read=5), retries=urllib3.Retry(2, redirect=0))


class KeySet:
    """The user pool's public keys, read on first use and again when a token names an unknown one."""

    def __init__(self) -> None:
        """Start without keys."""
        self._keys: dict[str, PyJWK] = {}
        self._read_at = float("-inf")  # time.monotonic() seconds
        self._address = ""

    def key(self, key_id: str) -> PyJWK:
        """Return the key with that id; raises Unauthenticated if the pool has none, and Unavailable."""
        address = f"{settings.user_pool_address()}/.well-known/jwks.json"
        stale = time.monotonic() - self._read_at > KEYS_SECONDS
        if address != self._address or (key_id not in self._keys and stale):
            self._keys, self._address, self._read_at = self._read(address), address, time.monotonic()
        if key_id not in self._keys:
            raise Unauthenticated("the token was not signed by the user pool")
        return self._keys[key_id]

    @staticmethod
    def _read(address: str) -> dict[str, PyJWK]:
        from jwt import PyJWKSet  # noqa: PLC0415 - see verify()

        try:
            response = _http.request("GET", address)
        except HTTPError as error:
            raise Unavailable(f"the user pool's keys could not be read: {error}") from error
        if response.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise Unavailable(f"the user pool's keys could not be read: status {response.status}")
        found = PyJWKSet.from_dict(json.loads(response.data))
        return {key.key_id: key for key in found.keys if key.key_id}


keys = KeySet()


def verify(token: str) -> dict[str, Any]:
    """Return the claims of an access token of this stack's user pool; raises Unauthenticated or Unavailable."""
    import jwt  # noqa: PLC0415 - loads `cryptography`, for which health checks and cold starts need not wait

    if len(token) > MAXIMUM_CHARACTERS:
        raise Unauthenticated(f"the token is longer than {MAXIMUM_CHARACTERS} characters")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str):
            raise Unauthenticated("the token was not signed by the user pool")
        claims: dict[str, Any] = jwt.decode(
            token,
            keys.key(header["kid"]),
            algorithms=ALGORITHMS,
            issuer=settings.user_pool_issuer(),
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "token_use", "client_id"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired; sign in again") from error
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:  # a header may be nested JSON
        raise Unauthenticated("the token is not a valid access token of the user pool") from error
    if claims["token_use"] != "access":  # noqa: S105 - a kind of token, no password
        raise Unauthenticated("this is not an access token; send the access token, not the ID token")
    return claims
