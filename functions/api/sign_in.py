"""Sign-in of browsers: Cognito's login page (authorization code flow with PKCE), and the session's cookies.

    GET /sign-in            ─▶ redirects to the user pool's login page; a cookie keeps the PKCE verifier
    GET /sign-in/callback   ◀─ receives a code and exchanges it for tokens; the access token is the session's cookie
    POST /sign-in/end       ─▶ revokes the refresh token, deletes the cookies and ends the login page's session

Cookies are HttpOnly, Secure and SameSite=Lax: scripts cannot read them, and other sites' requests do not carry them,
except for links that people follow. In addition, every state-changing request must come from the dashboard's own pages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import msgspec
import urllib3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from urllib3.exceptions import HTTPError

from api import tokens
from api.access import Caller, Forbidden, Role, Unauthenticated, caller_of
from api.requests import Request
from api.routing import Reply, page
from makertasks import settings
from makertasks.aws import user_pools
from makertasks.errors import InvalidRequest, Unavailable

logger = Logger(child=True)

SESSION = "makertasks_session"  # the access token
REFRESH = "makertasks_refresh"  # the refresh token; sent only to /sign-in
UNREVOKED = "makertasks_unrevoked"  # a refresh token that could not be revoked; sent only to /sign-in/end
INCOMPLETE = "makertasks_incomplete"  # tells the signed-out page that there is such a token
PENDING = "makertasks_sign_in"  # state, PKCE verifier and target page, while the login page is open

PENDING_SECONDS = 600
# The lifetime of the app client's refresh tokens (template.yaml): a working day.
REFRESH_SECONDS = 12 * 3600

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

_http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=3, read=10), retries=False)


class SignIn(msgspec.Struct):
    """Query of the sign-in: the page to return to."""

    next: Annotated[str, msgspec.Meta(max_length=2000)] = "/"


class Callback(msgspec.Struct):
    """Query with which the login page redirects the browser back."""

    code: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    state: Annotated[str, msgspec.Meta(max_length=200)] = ""
    error: Annotated[str, msgspec.Meta(max_length=200)] = ""


def caller(request: Request) -> Caller:
    """Return the caller of a request, by its bearer token or its session cookie.

    Raises Unauthenticated, Forbidden for a state-changing request from another site, and Unavailable.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise Unauthenticated("send `Authorization: Bearer {access token}`")
        return caller_of(tokens.verify(token.strip()))
    session = request.cookies.get(SESSION, "")
    if not session:
        raise Unauthenticated("send an access token in `Authorization: Bearer {token}`, or sign in at /sign-in")
    refuse_foreign_pages(request)
    return caller_of(tokens.verify(session))


def refuse_foreign_pages(request: Request) -> None:
    """Raise Forbidden for a state-changing request from another site's page, according to the browser's headers."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    own = site == "same-origin" if site else request.headers.get("origin") == settings.api_address()
    if not own:
        raise Forbidden(
            "with a session cookie, changes must come from the dashboard's own pages; scripts send a bearer token"
        )


@page("GET", "/sign-in", Role.NOBODY)
def sign_in(query: SignIn, request: Request) -> Reply:
    """Renew the session if its refresh token permits, or redirect to the login page."""
    target = _own_path(query.next)
    if renewed := _renew(request.cookies.get(REFRESH, "")):
        return Reply.redirect(target, renewed)
    state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": settings.browser_client(),
        "redirect_uri": _callback_address(),
        "scope": "openid",
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    pending = base64.urlsafe_b64encode(json.dumps([state, verifier, target]).encode()).decode().rstrip("=")
    location = f"{settings.sign_in_address()}/oauth2/authorize?{urlencode(asked)}"
    return Reply.redirect(location, [_cookie(PENDING, pending, PENDING_SECONDS, "/sign-in")])


@page("GET", "/sign-in/callback", Role.NOBODY)
def sign_in_callback(query: Callback, request: Request) -> Reply:
    """Exchange the login page's code for tokens; only the browser that started the sign-in can."""
    state, verifier, target = _read_pending(request.cookies.get(PENDING, ""))
    if query.error or not query.code:
        raise InvalidRequest("code", f"the login page returned {query.error or 'no code'!r}; sign in again at /sign-in")
    if not hmac.compare_digest(state.encode(), query.state.encode()):
        raise InvalidRequest("state", "belongs to another sign-in; sign in again at /sign-in")
    answer = _token(
        grant_type="authorization_code", code=query.code, redirect_uri=_callback_address(), code_verifier=verifier
    )
    if answer is None:
        raise InvalidRequest("code", "has been used or has expired; sign in again at /sign-in")
    return Reply.redirect(target, [*_session_cookies(answer), _cookie(PENDING, "", 0, "/sign-in")])


@page("POST", "/sign-in/end", Role.NOBODY)
def sign_out(request: Request) -> Reply:
    """End the session in this browser, in the user pool and at the login page.

    A refresh token that the user pool did not revoke is kept only for another attempt, which the signed-out page
    offers.
    """
    held = [token for name in (REFRESH, UNREVOKED) if (token := request.cookies.get(name))]
    left = next((token for token in held if not _revoke(token)), "")
    asked = {"client_id": settings.browser_client(), "logout_uri": f"{settings.api_address()}/signed-out"}
    cookies = [
        _cookie(SESSION, "", 0, "/"),
        _cookie(REFRESH, "", 0, "/sign-in"),
        _cookie(UNREVOKED, left, REFRESH_SECONDS if left else 0, "/sign-in/end"),
        _cookie(INCOMPLETE, "1" if left else "", REFRESH_SECONDS if left else 0, "/signed-out"),
    ]
    return Reply.redirect(f"{settings.sign_in_address()}/logout?{urlencode(asked)}", cookies)


def _revoke(token: str) -> bool:
    try:
        user_pools.revoke(settings.browser_client(), token)
    except Unavailable as error:
        logger.error("refresh token not revoked", reason=str(error))  # noqa: TRY400 - a traceback adds nothing
        return False
    return True


def to_sign_in(request: Request) -> Reply:
    """Redirect a browser without a session to the sign-in, and from there back to the page."""
    back = quote(request.path) if request.method in SAFE_METHODS else "/"
    if request.query and back != "/":
        back = f"{back}?{urlencode(dict(request.query))}"
    return Reply.redirect(f"/sign-in?{urlencode({'next': back})}")


def _own_path(path: str) -> str:
    """Return the path if it is on this site, otherwise `/`: a link to the sign-in must not redirect to another site."""
    stays = path.startswith("/") and path.isprintable() and not path.startswith(("//", "/\\"))
    return path if stays and "\\" not in path else "/"


def _callback_address() -> str:
    return f"{settings.api_address()}/sign-in/callback"


def _read_pending(text: str) -> tuple[str, str, str]:
    try:
        state, verifier, target = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest("cookie", "the sign-in was not started in this browser; start at /sign-in") from error
    return str(state), str(verifier), _own_path(str(target))


def _renew(refresh: str) -> list[str]:
    """Renew a session with its refresh token and return its cookies; none if that is not possible."""
    answer = _token(grant_type="refresh_token", refresh_token=refresh) if refresh else None
    return _session_cookies(answer) if answer else []


def _session_cookies(answer: dict[str, Any]) -> list[str]:
    """Return the cookies for Cognito's tokens; raises Unauthenticated if the access token is invalid."""
    tokens.verify(str(answer["access_token"]))
    cookies = [_cookie(SESSION, str(answer["access_token"]), int(answer.get("expires_in", 3600)), "/")]
    if refresh := answer.get("refresh_token"):
        cookies.append(_cookie(REFRESH, str(refresh), REFRESH_SECONDS, "/sign-in"))
    return cookies


def _cookie(name: str, value: str, seconds: int, path: str) -> str:
    return str(Cookie(name, value, path, max_age=seconds, secure=True, http_only=True, same_site=SameSite.LAX_MODE))


def _token(**fields: str) -> dict[str, Any] | None:
    """Return the response of Cognito's token endpoint; None if it refuses. Raises Unavailable."""
    status, answer = _post("/oauth2/token", **fields)
    return answer if status == HTTPStatus.OK and "access_token" in answer else None


def _post(path: str, **fields: str) -> tuple[int, dict[str, Any]]:
    body = {"client_id": settings.browser_client(), **fields}
    try:
        response = _http.request_encode_body(
            "POST", settings.sign_in_address() + path, fields=body, encode_multipart=False
        )
        answer = json.loads(response.data or b"{}")
    except (HTTPError, ValueError) as error:
        raise Unavailable(f"the user pool did not respond: {type(error).__name__}") from error
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(f"the user pool returned status {response.status}")
    return response.status, answer if isinstance(answer, dict) else {}
