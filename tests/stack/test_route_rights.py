"""Permissions of every route without a token, with forged tokens and with each role, as in docs/api.md."""

from __future__ import annotations

import base64
import hmac
import json
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import api.handler  # noqa: F401 - declares the routes
from api import routing
from infra.local.ministack import ROOT
from infra.local.sign_in import SignIn
from tests import documentation

DOCUMENT = ROOT / "docs/api.md"
ROLES = {"viewers": "viewer", "operators": "operator", "superusers": "superuser"}
COLUMNS = ["no token", "forged token", *ROLES]
# Nothing has these names, so allowed requests find and change nothing.
VALUES = {"item_id": "00000000-0000-4000-8000-000000000000", "file": "start.js"}
NOBODY = "no_such_thing"
# Routes whose role depends on the request, by their name in the document.
SPECIAL: dict[str, dict[str, Any]] = {
    "POST /v1/jobs that deletes": {"json": {"action": "delete", "where": {"worker": NOBODY}}},
    "POST /tasks/bulk that deletes": {"data": {"action": "delete", "id": NOBODY}},
}
# This test does not wait for tasks.
BODIES: dict[str, dict[str, Any]] = {"POST /v1/schedules/{schedule}/run": {"json": {}}}


@dataclass(frozen=True)
class Row:
    """A row of the document: a route, and the text of each column."""

    name: str
    says: dict[str, str]

    @property
    def route(self) -> routing.Route:
        """The row's route; a special case belongs to its general route."""
        return ROUTES[" ".join(self.name.split()[:2])]


ROUTES = {f"{route.method} {route.path}": route for route in routing.all_routes()}


def rows() -> list[Row]:
    """The rows of the document's permission tables."""
    found = re.findall(r"^\| `([A-Z]+ /\S*)`( [a-z ]+)? \| (.*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    return [Row(name + more, dict(zip(COLUMNS, cells.split(" | "), strict=True))) for name, more, cells in found]


@dataclass
class Door:
    """The deployed API, called without and with tokens."""

    url: str
    session: requests.Session

    def knock(self, row: Row, token: str | None) -> requests.Response:
        """Send one request; pages get the token as a cookie, and the headers of a browser's form."""
        route = row.route
        path = re.sub(r"{(\w+)}", lambda name: VALUES.get(name[1], NOBODY), route.path)
        headers = {"Sec-Fetch-Site": "same-origin"}
        if token and route.is_page:
            headers["Cookie"] = f"makertasks_session={token}"
        elif token:
            headers["Authorization"] = f"Bearer {token}"
        given = SPECIAL.get(row.name) or ({} if route.is_page or route.method == "GET" else {"json": {}})
        return self.session.request(
            route.method, self.url + path, headers=headers, allow_redirects=False, timeout=35, **given
        )


def verdict(response: requests.Response) -> str:
    """A response in the document's terms."""
    if response.status_code in {401, 403} or response.status_code >= 500:
        return str(response.status_code)
    is_led = response.status_code == 303 and response.headers["Location"].startswith("/sign-in")
    return "to sign-in" if is_led else "yes"


@pytest.fixture(scope="module")
def door(stack) -> Iterator[Door]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=4))
        yield Door(stack.api_url, session)


@pytest.fixture(scope="module")
def forged(stack) -> dict[str, str]:
    """Tokens that look like a superuser's but are invalid, by the reason."""
    good = stack.sign_ins["superuser"].token()
    header, claims = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    pool = stack.outputs["UserPoolId"]
    own = serialization.load_pem_private_key(
        (stack.aws.data / f"state/cognito-pool-keys/{pool}-access.pem").read_bytes(), None
    )
    public = own.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    named = {"kid": header["kid"]}
    # a control: a token made the same way without a defect is accepted
    assert requests.get(
        f"{stack.api_url}/v1/me",
        headers={"Authorization": f"Bearer {jwt.encode(claims, own, 'RS256', headers=named)}"},
        timeout=35,
    ).ok
    return {
        "no token at all": "rubbish",
        "algorithm none": jwt.encode(claims, None, "none", headers=named),
        "HS256 with the public key": hs256(claims, named, public),
        "a foreign key": jwt.encode(claims, rsa.generate_private_key(65537, 2048), "RS256", headers=named),
        "expired": jwt.encode({**claims, "exp": time.time() - 60}, own, "RS256", headers=named),
        "of another pool": other_pool(stack),
        "an ID token": id_token(stack.sign_ins["superuser"]),
        "changed after it was signed": changed(good),
    }


def hs256(claims: dict[str, Any], header: dict[str, str], key: bytes) -> str:
    """A token signed with the public key as if it were a shared secret; PyJWT refuses to make one."""
    parts = [{"alg": "HS256", "typ": "JWT", **header}, claims]
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.digest(key, text, "sha256")).rstrip(b"=")
    return (text + b"." + signature).decode()


def other_pool(stack: Any) -> str:
    """A real access token of a superuser of another pool in the same account."""
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="other")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.create_group(UserPoolId=pool, GroupName="superusers")
    outputs = {"UserPoolId": pool, "UserPoolClientId": client}
    return SignIn.ready(stack.aws.connection, outputs, stack.aws.data, "superuser").token()


def id_token(user: SignIn) -> str:
    answer = user.connection.client("cognito-idp").initiate_auth(
        ClientId=user.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": user.user, "PASSWORD": user.password},
    )
    return answer["AuthenticationResult"]["IdToken"]


def changed(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"username": "somebody else"}
    return ".".join([head, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature])


def test_documented_routes_equal_existing_routes():
    assert sorted({" ".join(row.name.split()[:2]) for row in rows()}) == sorted(ROUTES)


@pytest.mark.timeout(240)
def test_every_route_allows_exactly_the_documented_roles(stack, door, forged):
    tokens = {column: stack.sign_ins[role].token() for column, role in ROLES.items()} | {"no token": None}
    kinds = cycle(forged.items())

    def ask(row: Row) -> list[str]:
        # two kinds of forged tokens per route: all are refused before any route's code runs
        asked = [(column, column, token) for column, token in tokens.items()]
        asked += [("forged token", *next(kinds)) for _ in range(2)]
        found = [(column, what, verdict(door.knock(row, token))) for column, what, token in asked]
        return [
            f"{row.name}, {what}: {answer}, and the document says {row.says[column]}"
            for column, what, answer in found
            if answer != row.says[column]
        ]

    with ThreadPoolExecutor(2) as pool:
        wrong = [line for lines in pool.map(ask, rows()) for line in lines]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["GET /v1/tasks", "POST /v1/tasks", "DELETE /v1/tasks/{task_id}", "GET /api/tasks"])
def test_every_kind_of_forged_token_is_refused(door, forged, name):
    row = next(row for row in rows() if row.name == name)
    assert {kind: verdict(door.knock(row, token)) for kind, token in forged.items()} == dict.fromkeys(forged, "401")


def test_without_a_token_the_response_reveals_nothing(stack, door):
    """The response is the same whether something exists or not, and contains no names."""
    task_id = stack.api.post("/v1/tasks", {"name": "inventory.tasks.update_average_lead_times"})["id"]
    paths = [f"/v1/tasks/{task_id}", "/v1/tasks/none", "/v1/queues/generate_qr_code", "/v1/queues/none", "/api/workers"]
    answers = [door.session.get(door.url + path, timeout=35) for path in paths]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    words = [task_id, "makertasks-", "arn:", "dynamodb", "cognito", "Traceback", ".py"]
    assert not [word for word in words if word in answers[0].text + str(answers[0].headers)]


def test_a_machine_signs_in_with_client_credentials_and_may_do_what_its_scope_says(stack):
    cognito, client = stack.client("cognito-idp"), stack.outputs["MachinesClientId"]
    described = cognito.describe_user_pool_client(UserPoolId=stack.outputs["UserPoolId"], ClientId=client)

    def signed_in(scope: str) -> requests.Response:
        return requests.post(
            f"{stack.aws.endpoint}/oauth2/token", auth=(client, described["UserPoolClient"]["ClientSecret"]),
            data={"grant_type": "client_credentials", "scope": f"makertasks/{scope}"}, timeout=35,
        )  # fmt: skip

    headers = {"Authorization": f"Bearer {signed_in('view').json()['access_token']}"}
    assert requests.get(f"{stack.api_url}/v1/me", headers=headers, timeout=35).json()["role"] == "viewer"
    assert requests.get(f"{stack.api_url}/metrics", headers=headers, timeout=35).ok
    body = {"name": "inventory.tasks.update_average_lead_times"}
    assert requests.post(f"{stack.api_url}/v1/tasks", headers=headers, json=body, timeout=35).status_code == 403
    assert not signed_in("operate").ok


def test_the_commands_in_api_md_work(stack, tmp_path):
    """Run the documented commands; a shell function `make` stands in for the running stack."""
    commands = documentation.run_by("tests/stack/test_route_rights.py")
    given = {"MADE_url": stack.api_url, "MADE_token": stack.sign_ins["superuser"].token()}
    made = f"make() {{ case $2 in url) echo '{given['MADE_url']}';; token) echo '{given['MADE_token']}';; esac; }}\n"
    shell = made + "\n".join(commands).replace("curl -s", "curl -fsS -w '\\n'")
    done = subprocess.run(  # noqa: S603 - the document's own
        ["/bin/bash", "-euc", shell], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert answers[0] == {"status": "ok"}
    assert answers[1]["role"] == "superuser"
    assert answers[3]["name"] == "inventory.tasks.update_average_lead_times"
    assert answers[-1]["action"] == "retry"
