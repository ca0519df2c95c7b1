"""What may not be kept or shown, pure: secrets in arguments, results, errors and log lines become stars.

- An argument marked as secret (`tasks.Secret`), and whatever is named password, token, api-key, cookie or the like.
- User name and password of an address, and the parts of its query and fragment with such a name.
- Bearer and JSON web tokens, and `name=value`, `"name": "value"` and `x-name: value` with such a name, in any text.

The signature of a presigned link is no secret here: it expires by itself, and without it a task could not be retried.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

# Unlike anything that somebody would write, and harmless in an address.
STARS = "***masked***"

# A name is secret with one of these words anywhere in it (`db_password`, `clientSecret`, `Set-Cookie`) …
_ANYWHERE = frozenset(
    {"password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials"}
    | {"authorization", "cookie", "cookies", "jwt", "apikey"}
)
# … or with one of these as its last (`access_token`, but not `token_count`), unless it is where a list continues, …
_LAST = frozenset({"token", "auth"})
_CONTINUED = frozenset({"next", "previous", "page", "continuation", "start"})
# … or with the key of one of these as its last two (`x-api-key`, `aws_secret_access_key`, but not `image_key`).
_KEYS_OF = frozenset({"api", "access", "private", "secret", "client", "signing", "encryption"})
# Names of a presigned link: see above. They name the key that signed it, and do not open anything.
_PRESIGNED = frozenset({"x-amz-credential", "x-goog-credential"})

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# user:password@ behind the slashes of an address (RFC 3986, section 3.2.1). One that was typed by hand may hold blanks
# and quotes, and lack the scheme; a user name alone is taken for one only behind a scheme.
_USER_INFO = re.compile(
    r"(\b[a-z][a-z0-9+.-]{0,30}+:)//[^\s/?#\\<>]+@|()//[^\s/?#\\@:<>]+:[^/?#\\<>\r\n]{1,200}@"
    r"|(\b[a-z][a-z0-9+.-]{0,30}+:)//[^\s/?#\\@:<>]+:[^/?#\\<>\r\n]{1,200}@",
    re.IGNORECASE,
)
_QUERY = re.compile(r"([?&;#])([\w.%~-]{1,100})=([^&;#\s\"'<>]+)")
# name=value; "name": value as in JSON or Python; and a header's x-name: value.
_NAMED = re.compile(
    r"""(?P<quote>["']|\\{1,8}+["'])?(?P<name>\b[A-Za-z_][\w.-]{1,100}+)(?(quote)(?P=quote))(?P<sign>\s{0,3}[=:]\s{0,3})"""
)
_VALUE = re.compile(
    r"""(?P<mark>")(?:[^"\\]|\\.)*"?|(?P<mark2>')(?:[^'\\]|\\.)*'?|(?P<mark3>\\{1,8}+")[^"\\]*(?:\\{1,8}+")?"""
    r"""|[^\s,;&"'{}\[\])<>]+"""
)
_NO_SECRET = frozenset({"null", "none", "true", "false", '""', "''"})
_JSON_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+")
# A header's value goes on to the end of its line, or of the text that quotes it.
_HEADER = re.compile(
    r"""\b((?:proxy-)?authorization|(?:set-)?cookie)(\s{0,3}:\s{0,3})((?:bearer|basic|digest|token)\s+)?[^\r\n"']+""",
    re.IGNORECASE,
)
# Secrets of webhooks (Standard Webhooks) say by their form what they are.
_FORMED = re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]{8,}")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
# An account's number in the name of a resource, in a queue's address, and in a sentence. Twelve digits alone may be the
# number of a product.
_ACCOUNT = re.compile(
    r"""(\barn:aws[a-z-]{0,20}:[a-z0-9-]{0,40}:[a-z0-9-]{0,40}:|\bamazonaws\.com(?:\.cn)?/"""
    r"""|\baccount(?:[ _-]?(?:id|number))?[\s:=#'"(]{1,4})[0-9]{12}(?![0-9])""",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret.

    >>> [is_secret_name(name) for name in ("db_password", "X-Api-Key", "jwt", "clientSecret", "key", "token_count")]
    [True, True, True, True, False, False]
    """
    if name.lower() in _PRESIGNED:
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    before, last = words[-2:-1], words[-1]
    return bool(
        _ANYWHERE.intersection(words)
        or (last in _LAST and not _CONTINUED.intersection(before))
        or (last == "key" and _KEYS_OF.intersection(before))
    )


def text(value: str) -> str:
    """The text without credentials.

    >>> text("GET https://ann:secret@example.com/a.jpg?size=2&token=abc failed")
    'GET https://***masked***@example.com/a.jpg?size=2&token=***masked*** failed'
    >>> text('client_secret=s3cr3t, {"pwd": "x"}, x-api-key: 77')
    'client_secret=***masked***, {"pwd": "***masked***"}, x-api-key: ***masked***'
    """
    if "@" in value:
        value = _USER_INFO.sub(lambda found: f"{found[1] or found[3] or ''}//{STARS}@", value)
    if "=" in value:
        value = _QUERY.sub(_in_query, value)
    value = _JSON_WEB_TOKEN.sub(STARS, value)
    value = _FORMED.sub(STARS, _BEARER.sub(rf"\1 {STARS}", value))
    if ":" in value:
        value = _HEADER.sub(rf"\1\2\3{STARS}", value)
    return _without_assignments(value) if "=" in value or ":" in value else value


def _in_query(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}={STARS}" if is_secret_name(unquote(found[2])) else found[0]


def _without_assignments(value: str) -> str:
    """The text with stars for values that stand beside a secret's name."""
    parts, done, position = [], 0, 0
    while named := _NAMED.search(value, position):
        position = named.end()
        # `name: value` may be a sentence: it counts where it is JSON or Python, or a header with a hyphen.
        is_sentence = ":" in named["sign"] and not named["quote"] and "-" not in named["name"]
        if is_sentence or not is_secret_name(named["name"]):
            continue
        found = _VALUE.match(value, position)
        if not found or STARS in found[0] or found[0].lower() in _NO_SECRET:
            continue
        mark = found["mark"] or found["mark2"] or found["mark3"] or named["quote"] or ""
        parts += [value[done:position], mark, STARS, mark]
        done = position = found.end()
    return "".join([*parts, value[done:]])


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


def without_accounts(value: Any) -> Any:
    """JSON in which no AWS account is named, as errors are shown: those of AWS say who was refused what, by ARNs.

    >>> without_accounts("User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: s3:GetObject")
    'User: arn:aws:sts::************:assumed-role/r/f is not authorized to perform: s3:GetObject'
    """
    if isinstance(value, str):
        return _ACCOUNT.sub(rf"\1{'*' * 12}", value)
    if isinstance(value, dict):
        return {name: without_accounts(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_accounts(entry) for entry in value]
    return value


def hides(value: Any) -> bool:
    """Whether something in JSON was masked."""
    if isinstance(value, str):
        return STARS in value
    if isinstance(value, dict):
        return any(hides(entry) for entry in value.values())
    return isinstance(value, list | tuple) and any(hides(entry) for entry in value)


def _is_secret(name: Any, secret: Collection[str]) -> bool:
    return name in secret or (isinstance(name, str) and is_secret_name(name))
