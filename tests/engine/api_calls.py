"""Calls of the API as API Gateway forwards them, and tokens as the user pool signs them."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api import access, documentation, openapi, routing, sign_in, tokens  # noqa: F401 - declares routes
from api.handler import handler

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_unit"
PRIVATE = rsa.generate_private_key(65537, 2048)
FOREIGN = rsa.generate_private_key(65537, 2048)


class PoolKeys:
    """The user pool's key set with one key, `pool-key`."""

    def key(self, key_id):
        """The key, or the real client's error."""
        if key_id != "pool-key":
            raise access.Unauthenticated("the token was not signed by the user pool")
        return jwt.PyJWK.from_json(
            json.dumps(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True) | {"alg": "RS256"})
        )


class Context:
    """The parts of Lambda's context that Powertools' logger reads."""

    function_name = "api"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:api"
    aws_request_id = "1"


@pytest.fixture(autouse=True)
def pool(monkeypatch):
    """A user pool whose private keys the test holds."""
    monkeypatch.setenv("API_ADDRESS", "https://api.example")
    monkeypatch.setenv("USER_POOL_ISSUER", ISSUER)
    monkeypatch.setenv("USER_POOL_CLIENTS", "browser scripts")
    monkeypatch.setenv("BROWSER_CLIENT", "browser")
    monkeypatch.setenv("SIGN_IN_ADDRESS", "https://login.example")
    monkeypatch.setattr(tokens, "keys", PoolKeys())


def token(*groups, key=PRIVATE, key_id="pool-key", algorithm="RS256", **claims):
    """An access token as Cognito issues it."""
    usual = {
        "sub": "1",
        "iss": ISSUER,
        "token_use": "access",
        "client_id": "scripts",
        "username": "ann",
        "exp": time.time() + 600,
        "cognito:groups": list(groups),
    }
    return jwt.encode(usual | claims, key, algorithm, headers={"kid": key_id})


def call(method, path, *, query=None, body=None, headers=None, cookies=None, bearer=None):
    """Send one request; return (status, body, headers)."""
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {**(headers or {}), **({"authorization": f"Bearer {bearer}"} if bearer else {})},
        "cookies": cookies or [],
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
    answer = handler(event, Context())
    is_json = answer["headers"]["Content-Type"] in {"application/json", "application/problem+json"} and answer["body"]
    return answer["statusCode"], json.loads(answer["body"]) if is_json else answer["body"], answer
