"""Who may call the API: tokens, roles, the browser's session and sign-in."""

from __future__ import annotations

import json
import time

import pytest
from api_calls import FOREIGN, call, pool, token  # noqa: F401 - pool is a fixture

from api import sign_in


def test_health_is_open_and_everything_else_is_not():
    assert call("GET", "/v1/health")[:2] == (200, {"status": "ok"})
    status, problem, answer = call("GET", "/v1/tasks")
    assert (status, problem["title"]) == (401, "Unauthorized")
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert answer["headers"]["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "forged",
    [
        "rubbish",
        "a.b.c",
        token("superusers", key=None, algorithm="none"),
        token("superusers", key="x" * 32, algorithm="HS256"),
        token("superusers", key=FOREIGN),
        token("superusers", key=FOREIGN, key_id="other"),
        token("superusers", exp=time.time() - 60),
        token("superusers", iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"),
        token("superusers", token_use="id"),
        token("superusers", jti="x" * 9000),
    ],
    ids=["rubbish", "dots", "none", "HS256", "foreign", "unknown key", "expired", "other pool", "ID token", "long"],
)
def test_an_invalid_token_is_refused(forged):
    assert call("GET", "/v1/me", bearer=forged)[0] == 401


@pytest.mark.parametrize(
    ("claims", "status", "role"),
    [
        ({"cognito:groups": ["viewers"]}, 200, "viewer"),
        ({"cognito:groups": ["viewers", "operators"]}, 200, "operator"),
        ({"cognito:groups": ["superusers", "strangers"]}, 200, "superuser"),
        ({"cognito:groups": []}, 403, None),
        # groups count only for the stack's own app clients, scopes for any client that was granted them
        ({"cognito:groups": ["superusers"], "client_id": "foreign"}, 403, None),
        ({"scope": "makertasks/operate openid", "client_id": "machine"}, 200, "operator"),
        ({"scope": "other/operate", "client_id": "machine"}, 403, None),
    ],
)
def test_the_role_comes_from_groups_or_scopes(claims, status, role):
    answer = call("GET", "/v1/me", bearer=token(**claims))
    assert answer[0] == status
    assert answer[1].get("role") == role


def test_a_cookie_is_a_session_and_changes_need_our_own_origin():
    cookies = [f"makertasks_session={token('operators')}"]
    assert call("GET", "/v1/me", cookies=cookies)[0] == 200
    refused = [{}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}, {"origin": "https://evil.example"}]
    for headers in refused:
        assert call("POST", "/v1/queues/none/pause", cookies=cookies, headers=headers)[0] == 403
    # no browser sends a bearer token by itself
    assert call("PATCH", "/v1/task-types/none", bearer=token("operators"), body={})[0] == 403


def test_a_user_is_redirected_to_the_sign_in_and_back():
    status, _, answer = call("GET", "/docs", query={"a": "b c"})
    assert (status, answer["headers"]["Location"]) == (303, "/sign-in?next=%2Fdocs%3Fa%3Db%2Bc")
    status, _, answer = call("GET", "/sign-in", query={"next": "/docs"})
    assert status == 303
    location = answer["headers"]["Location"]
    assert location.startswith("https://login.example/oauth2/authorize?response_type=code&client_id=browser&")
    assert "code_challenge_method=S256" in location
    (cookie,) = answer["cookies"]
    assert cookie.endswith("; Path=/sign-in; Max-Age=600; HttpOnly; Secure; SameSite=Lax")
    # a response of the login page that this browser did not request is refused
    pending = [cookie.partition(";")[0]]
    assert call("GET", "/sign-in/callback", query={"code": "x", "state": "y"}, cookies=pending)[0] == 422
    assert call("GET", "/sign-in/callback", query={"code": "x", "state": "y"})[0] == 422


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/a\nb"])
def test_sign_in_redirects_to_no_other_site(target):
    assert sign_in._own_path(target) == "/"


def test_every_response_has_the_security_headers():
    for path in ("/v1/health", "/v1/tasks", "/nothing"):
        headers = call("GET", path)[2]["headers"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Strict-Transport-Security"].startswith("max-age=")


def test_an_internal_error_reveals_nothing(aws):
    # given a stack without tables
    status, problem, _ = call("GET", "/v1/tasks", bearer=token("viewers"))
    assert status in {500, 503}
    assert "unit-" not in json.dumps(problem)
    assert "Traceback" not in json.dumps(problem)
