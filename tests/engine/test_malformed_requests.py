"""Malformed requests at every route: never an internal error, and every refusal explains itself."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlencode

import pytest
from api_calls import Context, call, pool, token  # noqa: F401 - pool is a fixture

from api import routing
from api.handler import handler
from makertasks import tasks, wire
from makertasks.inventory.table import Item
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import producer
from makertasks.worker import task_limits

NESTED = "[" * 3000 + "]" * 3000
QUERIES = {
    "101 parameters": urlencode({f"p{number}": "x" for number in range(101)}),
    "an unknown parameter": "unheard_of=1",
    "a repeated parameter": "limit=1&limit=2",
    "broken escapes": "%zz=%ff&status=%ed%a0%80",
    "control characters": "q=%00%1b%0a&cursor=%00&name=%0a",
    "a long query": "q=" + "x" * 5000,
    "odd values": "limit=NaN&page=1e9&part=-1&status=%C3%A9&created_from=2026-02-30&range=eternity",
    "an error of the login page": "error=access_denied&error_description=no%20access&state=%C3%A9",
    "a foreign state": "code=1&state=%C3%A9",
}
HEADERS = {
    "no bearer scheme": {"authorization": "Basic \u00e9"},
    "an odd token": {"authorization": "Bearer \u00e9.\u00e9.\u00e9"},
    "a nested token": {"authorization": f"Bearer {base64.urlsafe_b64encode(NESTED.encode()).decode()}.e30.x"},
    "an odd type": {"content-type": "\u00e9; charset=utf-17", "accept": "text/html"},
}
COOKIES = {
    "a broken cookie": "makertasks_session=\u00e9; ;;=; makertasks_theme=[",
    "a nested cookie": f"makertasks_sign_in={base64.urlsafe_b64encode(NESTED.encode()).decode()}",
    "another kind of cookie": f"makertasks_sign_in={base64.urlsafe_b64encode(b'[1,2,3]').decode()}",
}
BODIES = {
    "no JSON": "{",
    "nested JSON": NESTED,
    "another kind of JSON": '[null, 1, "\\ud800"]',
    "odd numbers": '{"name": NaN, "limit": 1e999}',
    "2000 fields": urlencode({f"f{number}": "x" for number in range(2000)}),
    "odd fields": "id=%00&action=%ed%a0%80&kwargs.item_id=%ff&step=review&kwargs.image_url=%0a",
    "half a letter": '{"name": "\\ud800", "kwargs": {"\\ud800": "\\udfff"}}',
}


def _path(route) -> str:
    """A route's URL whose values name nothing that exists."""
    values = {"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7", "file": "tasks.csv", "name": "generate_qr_code"}
    if "/alerts/" in route.path:
        values["name"] = "workshop"
    path = route.path
    for name in route.path_parameters:
        path = path.replace(f"{{{name}}}", values.get(name, "nothing"))
    return path


def _sent(route, *, query="", headers=None, cookies="", body=None, bearer=True):
    event = {
        "version": "2.0",
        "rawPath": _path(route),
        "rawQueryString": query,
        "headers": {**({"authorization": f"Bearer {token('superusers')}"} if bearer else {}), **(headers or {})},
        "cookies": [cookies] if cookies else [],
        "requestContext": {"http": {"method": route.method, "path": _path(route)}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }
    return handler(event, Context())


def _check(answer, route, what):
    status = answer["statusCode"]
    assert status < 500, (route.method, route.path, what, status, answer["body"][:300])
    if status >= 400 and answer["headers"]["Content-Type"] == "application/problem+json":
        detail = json.loads(answer["body"])["detail"]
        assert detail, (route.path, what)
        assert len(detail) < 1200, (route.path, what, detail)
        assert "regex" not in detail, (route.path, what, detail)


@pytest.fixture
def stack(tasks_table, counters_table, inventory_table, media_bucket, task_queues, monkeypatch):
    """The stack's resources that routes use; the user pool rejects everything."""
    monkeypatch.setattr("api.sign_in._post", lambda *_, **__: (400, {"error": "invalid_grant"}))


@pytest.mark.parametrize("route", routing.all_routes(), ids=lambda route: f"{route.method} {route.path}")
def test_a_malformed_request_never_causes_an_internal_error(stack, route):
    for what, query in QUERIES.items():
        _check(_sent(route, query=query), route, what)
    for what, headers in HEADERS.items():
        _check(_sent(route, headers=headers, bearer="authorization" not in headers), route, what)
    for what, cookie in COOKIES.items():
        _check(_sent(route, cookies=cookie, bearer=False, query="code=1&state=%C3%A9"), route, what)
    if route.method in {"POST", "PATCH", "PUT"}:
        for what, body in BODIES.items():
            for kind in ("application/json", "application/x-www-form-urlencoded"):
                _check(_sent(route, body=body, headers={"content-type": kind}), route, what)


def test_a_wrong_status_lists_the_six_statuses(stack):
    status, problem, _ = call("GET", "/v1/tasks", query={"status": "FAILED"}, bearer=token("viewers"))
    assert (status, problem["field"]) == (422, "status")
    assert all(name in problem["detail"] for name in Status)


def test_a_wrong_time_is_explained_by_examples(stack):
    status, problem, _ = call("GET", "/v1/tasks", query={"created_from": "yesterday"}, bearer=token("viewers"))
    assert (status, problem["field"]) == (422, "created_from")
    assert "a date such as 2026-11-22 or a time such as 2026-11-22T09:30:00Z" in problem["detail"]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"name": "generate_qr_kode"}, "did you mean inventory.tasks.generate_qr_code?"),
        ({"name": "inventory.tasks.nothing_like_it"}, "choose one of"),
        ({"worker": "generate_qr_kode@1"}, "did you mean generate_qr_code?"),
    ],
)
def test_a_misspelt_filter_is_an_error_instead_of_an_empty_list(stack, filters, said):
    status, problem, _ = call("GET", "/v1/tasks", query=filters, bearer=token("viewers"))
    assert (status, problem["field"]) == (422, *filters)
    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"name": "generate_qr_kode"}, "did you mean inventory.tasks.generate_qr_code?"),
        ({"name": "generate_qr_code", "worker": "generate_qr_kode"}, "did you mean generate_qr_code?"),
    ],
)
def test_a_job_for_a_misspelt_filter_is_an_error_instead_of_an_empty_job(stack, where, said):
    bearer = token("operators")
    status, problem, _ = call("POST", "/v1/jobs", body={"action": "retry", "where": where}, bearer=bearer)
    assert (status, problem["field"], said in problem["detail"]) == (422, [*where][-1], True)
    assert call("GET", "/v1/jobs", bearer=bearer)[1]["jobs"] == []


def test_a_job_accepts_a_removed_task_type_that_still_has_tasks(stack):
    lifecycle.create(records.new(wire.Message("old", "inventory.tasks.gone", kwargs={}), queue="gone"))
    body = {"action": "revoke", "where": {"name": "inventory.tasks.gone"}}
    assert call("POST", "/v1/jobs", body=body, bearer=token("operators"))[0] == 202


def test_a_misspelt_queue_gets_a_suggestion(stack):
    status, problem, _ = call("GET", "/v1/queues/generate_qr_kode", bearer=token("viewers"))
    assert (status, "did you mean generate_qr_code?" in problem["detail"]) == (404, True)


def test_a_short_task_name_is_accepted(stack):
    name = "inventory.tasks.update_average_lead_times"
    bearer = token("superusers")
    status, task, _ = call("POST", "/v1/tasks", body={"name": "update_average_lead_times"}, bearer=bearer)
    assert (status, task["name"]) == (202, name)
    found = call("GET", "/v1/tasks", query={"name": "update_average_lead_times"}, bearer=bearer)[1]["tasks"]
    assert [each["id"] for each in found] == [task["id"]]
    assert call("GET", "/v1/task-types/update_average_lead_times", bearer=bearer)[1]["name"] == name


def test_an_error_page_keeps_the_signed_in_users_navigation(stack):
    headers = {"accept": "text/html"}
    status, page, _ = call("GET", "/no/such/page", headers=headers, bearer=token("viewers"))
    html = base64.b64decode(page).decode() if "<" not in page else page
    assert (status, "Page not found" in html, '<nav aria-label="Main">' in html) == (404, True, True)
    status, page, _ = call("GET", "/no/such/page", headers=headers)
    html = base64.b64decode(page).decode() if "<" not in page else page
    assert (status, '<nav aria-label="Main">' in html, 'href="/sign-in"' in html) == (404, False, True)


# Forms with typed fields: the URL, the form, and its invalid field.
TYPED = [
    ("/task-types/{type}", {"kwargs.item_id": "no item", "kwargs.image_url": "https://shop.example/a.png"}, "item_id"),
    ("/task-types/{type}", {"kwargs.item_id": "{item}", "kwargs.image_url": ""}, "image_url"),
    ("/task-types/{type}/limits", {"rate_limit": "often"}, "rate_limit"),
    ("/task-types/{type}/limits", {"soft_time_limit": "nan"}, "soft_time_limit"),
    ("/task-types/{type}/limits", {"time_limit": "-1"}, "time_limit"),
    ("/task-types/{type}/limits", {"time_limit": "soon"}, "time_limit"),
    ("/tasks/{task}/retry", {"step": "review", "kwargs.item_id": "no item", "kwargs.image_url": "x"}, "item_id"),
    ("/tasks/{task}/retry", {"step": "submit", "kwargs.item_id": "no item", "kwargs.image_url": "x"}, "item_id"),
    ("/tasks/{task}/retry", {"step": "review", "kwargs.item_id": "{item}"}, "image_url"),
    ("/tasks/{task}/retry", {"step": "submit", "kwargs.item_id": "{item}"}, "image_url"),
    *(("/queues/{queue}/concurrency", {"maximum_concurrency": text}, "maximum_concurrency") for text in (
        "1", "1001", "-5", "many", "\u0663", "1e3", "9" * 20,
    )),
]  # fmt: skip


@pytest.mark.parametrize(("path", "form", "field"), TYPED, ids=lambda value: str(value)[:40])
def test_a_form_shows_the_error_beside_the_field(stack, monkeypatch, path, form, field):
    # given a failed task, and a form with an invalid field
    item = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
    monkeypatch.setattr(producer, "check_item", lambda *_: Item("item#any", "item", name="Any"))
    name = "inventory.tasks.download_image_from_url"
    arguments = {"item_id": item, "image_url": "https://shop.example/a.png"}
    task_id = producer.submit(producer.Submission(name, arguments, requested_by="ann")).task_id
    record = records.get(task_id)
    record.update(actions=[type(record).status.set("FAILURE")])
    path = path.format(type=name, task=task_id, queue="download_image_from_url")
    body = urlencode({key: value.format(item=item) for key, value in form.items()})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    # when the form is sent
    status, page, _ = call("POST", path, body=body, headers=headers, bearer=token("superusers"))
    # then the page marks that field, and nothing has changed
    html = page if "<html" in page else base64.b64decode(page).decode()
    assert status == 422
    [input_] = [part.partition(">")[0] for part in html.split("<input ") if f'name="{field}"' in part.partition(">")[0]
                or f'name="kwargs.{field}"' in part.partition(">")[0]]  # fmt: skip
    assert 'aria-invalid="true"' in input_
    assert task_limits.of(tasks.find(name)).rate_limit != "often"


@pytest.mark.parametrize(
    "route",
    [route for route in routing.all_routes() if route.is_page and route.method == "POST"],
    ids=lambda route: route.path,
)
def test_a_form_with_a_broken_field_names_it(stack, route):
    hints = route.hints.get("form")
    for name in getattr(hints, "__struct_fields__", ()):
        body = urlencode({name: "\x00" * 200_000 if name == "id" else "\x00broken" * 500})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = _sent(route, body=body, headers=headers)
        html = answer["body"] if "<html" in answer["body"] else base64.b64decode(answer["body"]).decode()
        assert answer["statusCode"] in {303, 404, 413, 422}, (route.path, name, html[:300])
        assert answer["statusCode"] != 422 or "mistake" in html or name in html or "missing" in html
