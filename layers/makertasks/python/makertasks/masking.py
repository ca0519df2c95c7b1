"""What may not be kept or shown, pure: secrets in arguments, results, errors and log lines become stars.

- An argument marked as secret (`tasks.Secret`), and whatever is called password, token, secret or the like.
- User name and password of an address, and the parts of its query that give access.
- Bearer and JSON web tokens, wherever they stand in a text.

A signature in an address (a presigned link) is no such part: it ends by itself, and a task could not be tried again.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

# Unlike anything that somebody would write, and harmless in an address.
STARS = "***masked***"

_SECRET_NAMES = re.compile(
    r"password|passwd|passphrase|(client_|shared_)?secret|(access_|refresh_|id_|session_)?token|authorization|credentials?"
    r"|(api|access|private|secret)[_-]?key",
    re.IGNORECASE,
)
# user:password@ behind the slashes of an address (RFC 3986, section 3.2.1)
_USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.-]*:)//[^\s/?#\\\"'<>]+@", re.IGNORECASE)
_QUERY = re.compile(
    r"([?&;](?:x-amz-security-token|access_token|id_token|refresh_token|token|auth|api_?key|password|passwd|pwd|secret)=)"
    r"[^&#\s\"'<>]+",
    re.IGNORECASE,
)
_JSON_WEB_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)


def text(value: str) -> str:
    """The text without credentials.

    >>> text("GET https://ann:secret@example.com/a.jpg?size=2&token=abc failed")
    'GET https://***masked***@example.com/a.jpg?size=2&token=***masked*** failed'
    """
    value = _USER_INFO.sub(rf"\1//{STARS}@", value)
    value = _QUERY.sub(rf"\1{STARS}", value)
    value = _JSON_WEB_TOKEN.sub(STARS, value)
    return _BEARER.sub(rf"\1 {STARS}", value)


def masked(value: Any, secret: Collection[str] = ()) -> Any:
    """JSON without credentials; `secret` are names of the top level whose values are secret whatever they are.

    >>> masked({"pin": 1234, "login": {"password": "x"}, "url": "https://a:b@c.example/"}, ["pin"])
    {'pin': '***masked***', 'login': {'password': '***masked***'}, 'url': 'https://***masked***@c.example/'}
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {name: STARS if _is_secret(name, secret) and entry else masked(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [masked(entry) for entry in value]
    return value


def hides(value: Any) -> bool:
    """Whether something in JSON was masked."""
    if isinstance(value, str):
        return STARS in value
    if isinstance(value, dict):
        return any(hides(entry) for entry in value.values())
    return isinstance(value, list | tuple) and any(hides(entry) for entry in value)


def _is_secret(name: Any, secret: Collection[str]) -> bool:
    return name in secret or (isinstance(name, str) and _SECRET_NAMES.fullmatch(name) is not None)
