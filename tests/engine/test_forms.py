"""Every form of every page, with each field broken in turn: the error appears beside its field, and nothing is done."""

from __future__ import annotations

import re

import pytest
from browsing import CAUSE, FAILED, ITEM, JOB, LETTER, PICTURE, Page, browse, everything, pool  # noqa: F401 - fixtures

from api import routing
from api.pages import forms
from makertasks import tasks
from makertasks.monitoring import listing

pytestmark = pytest.mark.usefixtures("everything")

TYPES = tasks.discover()
# Valid values of required fields, besides an item's id.
EXAMPLES = {
    each.input_name: task.example[each.name]
    for task in TYPES.values()
    for each in forms.fields(task.schema())
    if task.example and each.name in task.example and not each.is_item
}
# Every page by its route; a test below checks that none is missing.
PATHS = {
    "/": ["/"],
    "/activity": ["/activity"],
    "/alerts": ["/alerts"],
    "/alerts/{name}": ["/alerts/workshop"],
    "/failures/{fingerprint}": [f"/failures/{CAUSE}"],
    "/items": ["/items"],
    "/items/print": [f"/items/print?id={ITEM}"],
    "/items/{item_id}": [f"/items/{ITEM}"],
    "/items/{item_id}/picture": [f"/items/{ITEM}/picture"],
    "/items/{item_id}/picture/uploaded": [f"/items/{ITEM}/picture/uploaded?key=uploads/images/{ITEM}/a.png"],
    "/jobs": ["/jobs"],
    "/jobs/{job_id}": [f"/jobs/{JOB}"],
    "/messages": ["/messages"],
    "/queues": ["/queues"],
    "/queues/{queue}": [f"/queues/{name}" for name in tasks.queues()],
    "/schedules": ["/schedules"],
    "/task-types": ["/task-types"],
    "/task-types/{name}": [f"/task-types/{name}" for name in TYPES],
    "/tasks": ["/tasks"],
    "/tasks/{task_id}": [f"/tasks/{FAILED}", f"/tasks/{LETTER}"],
    "/tasks/{task_id}/log": [f"/tasks/{FAILED}/log"],
    "/tasks/{task_id}/message": [f"/tasks/{LETTER}/message"],
    "/tasks/{task_id}/retry": [f"/tasks/{FAILED}/retry"],
    "/workers": ["/workers"],
}
# Pages that forms lead to, with the values that the form sends.
NEXT_STEPS = [
    ("/items", {"id": ITEM}),
    ("/items/print", {"id": ITEM, "stock": "a4-3x8", "step": "show"}),
    ("/tasks/bulk", {"action": "retry", "id": FAILED}),
    ("/tasks/bulk", {"action": "delete", "all": "yes", "status": "FAILURE"}),
    (f"/tasks/{FAILED}/retry", {"step": "review", "kwargs.item_id": ITEM, "kwargs.image_url": f"{PICTURE}?2"}),
]
PAGES = [*((path, None) for paths in PATHS.values() for path in paths), *NEXT_STEPS]
# A value that no field accepts.
TOO_LONG = "x" * 3000

every_page = pytest.mark.parametrize(("path", "sent"), PAGES, ids=[f"{path} {sent or ''}" for path, sent in PAGES])


def opened(path, sent):
    """The forms of a page, or of the page that a form leads to."""
    status, html, _ = browse("POST" if sent else "GET", path, None, sent)
    assert status == 200
    return [form for _, form in Page(html).forms]


def broken(control):
    """Values that a field must refuse; an image URL may be anything, because its task reports what is wrong."""
    if control.name == "kwargs.image_url":
        return []
    if control.kind in {"number", "date"} or control.attributes.get("inputmode") == "decimal":
        return ["many"]
    if control.kind in {"select", "checkbox", "radio"}:
        return ["no such choice"]
    return [TOO_LONG]


def is_typed(control):
    """Whether a person fills in the field; the page fills in the others."""
    return not is_hidden(control) and control.kind not in {"button", "submit", "file"}


def is_hidden(control):
    """Whether the page fills in the field."""
    return control.kind == "hidden" or "hidden" in control.attributes


def sent_with(form, control, value):
    """The form's fields with their current values, one of them broken."""
    button = next((each for each in form.controls if each.kind == "button"), None)
    stays = {each.name: each.value for each in form.controls if each.kind not in {"checkbox", "button"}}
    empty = [each.name for each in form.controls if "required" in each.attributes and not each.value]
    stays |= {name: EXAMPLES.get(name, ITEM) for name in empty}
    return {**stays, **({button.name: button.value} if button else {}), control.name: value}


def answer_to(form, path, values):
    """Status and page after a form is sent."""
    get = form.method.lower() == "get"
    code, answer, _ = browse(form.method.upper(), form.action or path, *((values,) if get else (None, values)))
    return code, answer


def reasons_beside(answer, name):
    """The errors that a page shows beside the fields of that name that it marks as invalid."""
    shown = Page(answer)
    marked = [each for each in shown.fields if each.name == name and "aria-invalid" in each.attributes]
    described = [each.attributes.get("aria-describedby", "").split() for each in marked]
    return " ".join(shown.texts.get(about, "") for each in described for about in each).strip()


def test_every_page_is_tried():
    # These have no navigation; of /charts, only open pages see more than the overview.
    own = {"/sign-in", "/sign-in/callback", "/signed-out", "/static/{name}", "/docs", "/docs/{file}", "/charts"}
    pages = {route.path for route in routing.all_routes() if route.is_page and route.method == "GET"}
    assert pages - own == set(PATHS)
    assert {f"/task-types/{name}" for name, task in TYPES.items() if not task.system} <= {path for path, _ in PAGES}


@every_page
def test_every_field_of_every_form_shows_its_own_error_beside_it(path, sent):
    unexplained, tried = [], 0
    for form in opened(path, sent):
        for control in filter(is_typed, form.controls):
            tried += 1
            for value in broken(control):
                code, answer = answer_to(form, path, sent_with(form, control, value))
                if code != 422 or not reasons_beside(answer, control.name):
                    unexplained.append((form.action, control.name, value[:20], code))
    assert unexplained == []
    assert tried >= 2  # every page has the form of the reader's preferences


@every_page
def test_a_forged_form_value_is_reported_and_the_navigation_stays(path, sent):
    unexplained = []
    for form in opened(path, sent):
        for control in form.controls:
            # A return address on another site leads to the overview; forms for the bucket are signed.
            if not is_hidden(control) or control.name == "back" or form.action.startswith("https:"):
                continue
            code, answer = answer_to(form, path, sent_with(form, control, TOO_LONG))
            if not (400 <= code < 500 and 'aria-label="Main"' in answer):
                unexplained.append((form.action, control.name, code))
    assert unexplained == []


@pytest.mark.parametrize("name", [name for name, task in TYPES.items() if not task.system])
def test_a_task_types_form_has_every_declared_argument(name):
    [form] = [form for form in opened(f"/task-types/{name}", None) if form.action == f"/task-types/{name}"]
    assert [control.name for control in form.controls] == [
        f"kwargs.{each}" for each in TYPES[name].schema()["properties"]
    ]


@pytest.mark.parametrize("name", [name for name, task in TYPES.items() if task.system])
def test_a_post_to_a_system_tasks_page_says_that_only_the_system_starts_it(name):
    before = [record.task_id for record in listing.page(listing.Filter(), names=TYPES).records]
    arguments = [f"kwargs.{each}" for each in TYPES[name].schema()["properties"]]
    for form in ({}, *({each: TOO_LONG} for each in arguments), dict.fromkeys(arguments, "{}")):
        status, html, _ = browse("POST", f"/task-types/{name}", form=form)
        [alert] = re.findall(r'<div class="banner failure" role="alert">(?!.*data-lost)(.*?)</div>', html, re.DOTALL)
        assert (status, "started only by the system" in alert, "kwargs" in alert) == (422, True, False)
    assert [record.task_id for record in listing.page(listing.Filter(), names=TYPES).records] == before


def test_no_error_page_shows_a_pattern():
    for path in (
        "/tasks?created_from=yesterday",
        "/queues/a%20b",
        "/items/no-uuid",
        "/tasks?status=DONE",
        "/schedules/a%20/run",
    ):
        method = "POST" if path.endswith("/run") else "GET"
        _, answer, _ = browse(method, path, form={} if method == "POST" else None)
        assert not re.search(r"regex|\^\[|\[0-9|\(\?", answer), path


def test_an_open_page_whose_session_ended_gets_a_notice_instead_of_a_redirect():
    assert browse("GET", "/tasks", headers={"hx-request": "true"}, groups=())[0] == 401
    assert browse("GET", "/tasks", groups=())[0] == 303
