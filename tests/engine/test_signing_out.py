"""Signing out revokes the session in the user pool or reports the failure; no form accepts another site's posts."""

from __future__ import annotations

import base64

import boto3
import pytest
from api_calls import call, pool  # noqa: F401 - pool is a fixture
from botocore.stub import Stubber

from api import routing
from api.access import Role
from makertasks.aws import session

OWN = {"sec-fetch-site": "same-origin"}
FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "https://api.example"},
    {"sec-fetch-site": "none"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {},
]


@pytest.fixture
def cognito(aws, monkeypatch):
    """A Cognito with responses that a test chooses."""
    client = boto3.client("cognito-idp", region_name="us-east-1")
    other = session.client
    monkeypatch.setattr(session, "client", lambda name: client if name == "cognito-idp" else other(name))
    with Stubber(client) as stubber:
        yield stubber


def expect(token):
    return {"ClientId": "browser", "Token": token}


def sign_out(**cookies):
    """Sign out from the dashboard; returns the status, the redirect's location and the cookies that it sets."""
    sent = [f"{name}={value}" for name, value in cookies.items()]
    status, _, answer = call("POST", "/sign-in/end", headers=OWN, cookies=sent)
    set_to = {each.partition("=")[0]: each.partition("=")[2] for each in answer["cookies"]}
    return status, answer["headers"].get("Location", ""), set_to


def signed_out_page(**cookies):
    page = call("GET", "/signed-out", cookies=[f"{name}={value}" for name, value in cookies.items()])[1]
    return base64.b64decode(page).decode()


def test_signing_out_revokes_the_refresh_token_and_removes_every_cookie(cognito):
    cognito.add_response("revoke_token", {}, expect("held"))
    status, location, cookies = sign_out(makertasks_session="s", makertasks_refresh="held")
    assert (status, location.partition("?")[0]) == (303, "https://login.example/logout")
    assert cookies.keys() >= {"makertasks_session", "makertasks_refresh"}
    assert {name: value.partition(";")[0] for name, value in cookies.items()} == dict.fromkeys(cookies, "")
    assert all("; Max-Age=0; " in value for value in cookies.values())
    cognito.assert_no_pending_responses()
    assert "You are signed out here and at the login page" in signed_out_page()


@pytest.mark.parametrize(
    "code", ["UnsupportedTokenTypeException", "UnauthorizedException", "InvalidParameterException"]
)
def test_an_unusable_token_needs_no_revocation(cognito, code):
    cognito.add_client_error("revoke_token", code, expected_params=expect("rubbish"))
    assert "; Max-Age=0; " in sign_out(makertasks_refresh="rubbish")[2]["makertasks_unrevoked"]


@pytest.mark.parametrize(
    "code", ["InternalErrorException", "TooManyRequestsException", "UnsupportedOperationException"]
)
def test_a_failed_token_revocation_is_shown_and_can_be_retried(cognito, code):
    # given
    cognito.add_client_error("revoke_token", code, expected_params=expect("held"))
    # when
    status, location, cookies = sign_out(makertasks_session="s", makertasks_refresh="held")
    # then: this browser is signed out anyway, and at the login page, too
    assert (status, location.partition("?")[0]) == (303, "https://login.example/logout")
    assert all("; Max-Age=0; " in cookies[f"makertasks_{name}"] for name in ("session", "refresh"))
    # and the token is kept only for the retry that the page offers
    attributes = "Path=/sign-in/end; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"
    assert cookies["makertasks_unrevoked"] == f"held; {attributes}"
    assert "Path=/signed-out; " in cookies["makertasks_incomplete"]
    page = signed_out_page(makertasks_incomplete="1")
    assert 'role="alert"' in page
    assert 'action="/sign-in/end"' in page
    # when tried again
    cognito.add_response("revoke_token", {}, expect("held"))
    cookies = sign_out(makertasks_unrevoked="held")[2]
    # then
    assert "makertasks_unrevoked" in cookies
    assert all("; Max-Age=0; " in value for value in cookies.values())
    cognito.assert_no_pending_responses()


def test_a_session_whose_revocation_failed_is_not_renewed(cognito):
    status, _, answer = call("GET", "/sign-in", cookies=["makertasks_unrevoked=held"])
    assert (status, answer["headers"]["Location"].partition("?")[0]) == (303, "https://login.example/oauth2/authorize")


def forms():
    return [each for each in routing.all_routes() if each.is_page and each.method == "POST"]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: " ".join(headers.values()) or "nothing")
@pytest.mark.parametrize("form", [each for each in forms() if each.role is Role.NOBODY], ids=lambda form: form.path)
def test_forms_that_need_no_session_refuse_other_sites_posts(form, headers):
    body = "theme=dark&times=utc&back=/"
    typed = {**headers, "content-type": "application/x-www-form-urlencoded"}
    status, _, answer = call("POST", form.path, headers=typed, body=body)
    assert status == 403
    assert answer["cookies"] == []


def test_the_preferences_form_takes_the_dashboards_own_posts():
    typed = {**OWN, "content-type": "application/x-www-form-urlencoded"}
    status, _, answer = call("POST", "/preferences", headers=typed, body="theme=dark&times=utc&back=/")
    assert status == 303
    assert len(answer["cookies"]) == 3


def test_only_preferences_and_sign_out_need_no_session():
    assert {form.path for form in forms() if form.role is Role.NOBODY} == {"/preferences", "/sign-in/end"}
