"""Every form of every page, with each field broken in turn: the error appears beside its field, and nothing is done."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import pytest
from api_calls import Context, pool, token  # noqa: F401 - the fixture

from api.handler import handler
from makertasks import clock, wire
from makertasks.control import alerting, audit, jobs
from makertasks.errors import PermanentError
from makertasks.inventory.table import Item, update_item
from makertasks.monitoring import listing
from makertasks.monitoring.counters import counting
from makertasks.records import failures, lifecycle, unredriven
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters

ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
DOWNLOAD = "inventory.tasks.download_image_from_url"
CARDS = "inventory.tasks.generate_index_cards"
PICTURE = "https://shop.example/glasses.jpg"
LETTER = "not-readable"
FAILED = "failed-download"
CAUSE = failures.fingerprint(DOWNLOAD, "PermanentError", "image_url: the server answered 404")
PAGES = [
    "/",
    "/tasks",
    "/items",
    f"/items/{ITEM}",
    f"/items/{ITEM}/picture",
    f"/items/print?id={ITEM}",
    f"/tasks/{FAILED}",
    f"/tasks/{FAILED}/retry",
    f"/tasks/{LETTER}",
    f"/tasks/{LETTER}/message",
    "/messages",
    f"/failures/{CAUSE}",
    "/task-types/inventory.tasks.generate_index_cards",
    "/queues",
    "/queues/generate_qr_code",
    "/schedules",
    "/jobs",
    "/activity",
    "/alerts",
    "/alerts/workshop",
]
# What no field takes.
TOO_LONG = "x" * 3000


@dataclass
class Control:
    """One field of a form."""

    name: str
    kind: str
    value: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class Form:
    """A form as a browser would send it."""

    method: str
    action: str
    controls: list[Control] = field(default_factory=list)


class Page(HTMLParser):
    """Forms of a page and every element's id with its text."""

    def __init__(self, html):
        super().__init__()
        self.forms, self.texts, self.fields = [], {}, []
        self._inside, self._open = None, []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self._open.append((tag, given["id"]))
            self.texts[given["id"]] = ""
        if tag == "form":
            self._inside = Form(given.get("method", "get"), given.get("action", ""))
            self.forms.append((given.get("id"), self._inside))
        if tag == "option" and self.fields and (not self.fields[-1].value or "selected" in given):
            self.fields[-1].value = given.get("value", "0")
        if tag not in {"input", "select", "textarea", "button"} or not given.get("name"):
            return
        kind = given.get("type", "text") if tag == "input" else tag
        control = Control(given["name"], kind, given.get("value", ""), given)
        self.fields.append(control)
        owner = given.get("form")
        form = next((each for name, each in self.forms if owner and name == owner), None if owner else self._inside)
        if form is not None:
            form.controls.append(control)

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = None
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data):
        for _, name in self._open:
            self.texts[name] += data


def browse(method, path, query=None, form=None, headers=None, groups=("superusers",)):
    """One request of a signed-in superuser's browser; answers status, page and its text."""
    parts = urlsplit(path)
    given = {**{name: each[0] for name, each in parse_qs(parts.query).items()}, **(query or {})}
    event = {
        "version": "2.0",
        "rawPath": parts.path,
        "rawQueryString": urlencode(given),
        "headers": {
            "accept": "text/html",
            "content-type": "application/x-www-form-urlencoded",
            "sec-fetch-site": "same-origin",
            **(headers or {}),
        },
        "cookies": [f"makertasks_session={token(*groups)}"] if groups else [],
        "requestContext": {"http": {"method": method, "path": parts.path}, "stage": "$default"},
        "body": urlencode(form) if form is not None else None,
        "isBase64Encoded": False,
    }
    answer = handler(event, Context())
    body = base64.b64decode(answer["body"]).decode() if answer["isBase64Encoded"] else answer["body"]
    return answer["statusCode"], body, answer["headers"]


@pytest.fixture
def everything(aws, tasks_table, counters_table, inventory_table, media_bucket, task_queues, monkeypatch):
    """An item, a failed download of it, an unreadable message and a queue that has a consumer."""
    monkeypatch.setattr("makertasks.aws.event_sources.mappings", lambda: iter(()))
    monkeypatch.setattr("makertasks.monitoring.schedules.list_schedules", list)
    topic = aws.client("sns").create_topic(Name="unit-alerts")["TopicArn"]
    monkeypatch.setenv("ALERTS_TOPIC", topic)
    alerting.put(
        "workshop", {}, form="email", address="ann@example.org", kinds=["dead_letter"], recoveries=False, who="ann"
    )
    Item.bind("unit-inventory")
    Item(f"item#{ITEM}", "item", name="Safety glasses", sort_name="glasses", image_url=PICTURE).save()
    message = wire.Message(FAILED, DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
    record = records.new(message, queue="download_image_from_url", item_id=ITEM)
    lifecycle.close(record, Status.FAILURE, PermanentError("image_url: the server answered 404"))
    dead_letters.record("{", message_id=LETTER, queue="generate_qr_code", sent=records.clock.now())


def test_an_unreadable_message_shows_outcome_and_actions_and_has_the_same_count_everywhere(everything):
    def counts():
        listed = json.loads(browse("GET", "/v1/dead-letters")[1])["dead_letters"]
        queues = json.loads(browse("GET", "/v1/queues")[1])["queues"]
        return len(listed), sum(each["dead"] for each in queues), unredriven.counts().total()

    assert counts() == (1, 1, 1)
    status, html, _ = browse("POST", "/queues/generate_qr_code/redrive", form={})
    assert (status, "0 of 1 message sent back to the queue" in html, "still cannot be read" in html) == (
        200,
        True,
        True,
    )
    assert f"/tasks/{LETTER}/message" in html
    assert counts() == (1, 1, 1)
    # When it is resent unchanged, the reason appears at the top of its page.
    status, html, _ = browse("POST", f"/tasks/{LETTER}/redrive", form={})
    assert (status, "still cannot be read" in html) == (422, True)
    status, html, _ = browse("POST", f"/tasks/{LETTER}/message", form={"body": '{"item_id": "none"}'})
    assert (status, "does not fit the task" in html) == (422, True)
    status, _, headers = browse("POST", f"/tasks/{LETTER}/message", form={"body": json.dumps({"item_id": ITEM})})
    new = headers["Location"].removeprefix("/tasks/").partition("?")[0]
    assert (status, records.get(new).retry_of, records.get(new).kwargs) == (303, LETTER, {"item_id": ITEM})
    assert counts() == (0, 0, 0)


def test_an_unreadable_message_is_listed_by_its_task_with_its_beginning_and_deliveries(everything):
    dead_letters.record("e30=", message_id="of-nobody", queue="", sent=records.clock.now(), deliveries=1)
    dead_letters.record("[" + "7, " * 99, message_id="long", queue="generate_qr_code", sent=records.clock.now(),
                        deliveries=3)  # fmt: skip

    _, html, _ = browse("GET", "/messages")

    rows = dict(re.findall(r'<tr id="m([^"]+)">(.*?)</tr>', html, re.DOTALL))
    said = {letter: re.sub(r"<[^>]+>", " ", row) for letter, row in rows.items()}
    assert "Generate QR code" in said["long"]
    assert "delivered 3 times" in said["long"]
    assert f"[{'7, ' * 5}" in said["long"]
    assert "Unknown task" in said["of-nobody"]
    assert "delivered once" in said["of-nobody"]
    assert "delivered" not in said[LETTER]
    for letter, row in rows.items():
        assert f'href="/tasks/{letter}/message"' in row
        assert f'action="/tasks/{letter}/discard"' in row
    listed = json.loads(browse("GET", "/v1/dead-letters")[1])["dead_letters"]
    assert {each["id"]: (each["name"], each["deliveries"]) for each in listed} == {
        "of-nobody": (records.UNKNOWN, 1), "long": ("inventory.tasks.generate_qr_code", 3),
        LETTER: ("inventory.tasks.generate_qr_code", None),
    }  # fmt: skip
    # In the list of tasks, the beginning of the message stands for the arguments.
    assert "[7, 7, 7" in browse("GET", "/tasks")[1]


def test_a_discarded_message_is_audited_and_no_longer_counted(everything):
    assert browse("POST", f"/tasks/{LETTER}/discard", form={})[0] == 303
    assert unredriven.counts().total() == 0
    entry = audit.page(1)["entries"][0]
    assert (entry["who"], entry["action"], entry["target"]) == ("ann", "discard message", LETTER)
    _, html, _ = browse("GET", f"/tasks/{LETTER}")
    assert ("Edit and send" in html, f"/tasks/{LETTER}/discard" in html) == (True, False)
    status, html, _ = browse("POST", f"/tasks/{LETTER}/discard", form={})
    assert (status, "already been sent again or discarded" in html) == (422, True)


def test_the_banner_is_red_only_for_unacknowledged_failures(everything):
    def band():
        _, html, _ = browse("GET", "/")
        return "1 unacknowledged failure in the last hour" in html

    cause = records.get(FAILED).fingerprint
    assert band()
    status, _, _ = browse("POST", f"/failures/{cause}", form={"what": "acknowledge", "note": "the shop is down"})
    assert (status, band()) == (303, False)
    [group] = [each for each in json.loads(browse("GET", "/v1/failures")[1])["groups"] if each["fingerprint"] == cause]
    assert (group["count"], group["new"]) == (1, 0)
    assert (group["acknowledged"]["who"], group["acknowledged"]["note"]) == ("ann", "the shop is down")
    assert "Acknowledged by" in browse("GET", f"/failures/{cause}")[1]
    # A new failure is new; once muted, it is not.
    message = wire.Message("again", DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
    record = records.new(message, queue="download_image_from_url", item_id=ITEM)
    lifecycle.close(record, Status.FAILURE, PermanentError("image_url: the server answered 404"))
    assert records.get("again").fingerprint == cause
    assert band()
    browse("POST", f"/failures/{cause}", form={"what": "mute"})
    assert not band()
    assert [entry["action"] for entry in audit.page(2)["entries"]] == ["mute failures", "acknowledge failures"]


def test_the_banner_counts_a_task_that_failed_now_after_hours_of_retries(everything):
    message = wire.Message("long ago", DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
    created = clock.now() - timedelta(hours=5)
    record = records.new(message, queue="download_image_from_url", item_id=ITEM, created=created)
    lifecycle.close(record, Status.FAILURE, PermanentError("image_url: the server answered 503"))
    image = records.get("long ago").attribute_values
    counting.count([counting.change_of("event", None, image)])
    _, html, _ = browse("GET", "/")
    assert "2 unacknowledged failures in the last hour" in html
    [link] = re.findall(r'href="(/tasks\?status=FAILURE[^"]*)"[^>]*>2 unacknowledged', html)
    _, html, _ = browse("GET", unescape(link))
    assert re.findall(r'<tr id="r([^"]+)"', html)[0] == "long ago"


def test_a_viewer_reads_a_cause_and_changes_nothing(everything):
    assert '<form method="post" action="/failures' not in browse("GET", f"/failures/{CAUSE}", groups=("viewers",))[1]
    assert browse("POST", f"/failures/{CAUSE}", form={"what": "mute"}, groups=("viewers",))[0] == 403


def test_a_cause_shows_its_trend_and_items_and_retries_all_its_failures(everything):
    for number in range(3):
        message = wire.Message(f"other-{number}", DOWNLOAD, kwargs={"item_id": ITEM, "image_url": PICTURE})
        record = records.new(message, queue="download_image_from_url", item_id=ITEM if number else "gone")
        reason = "image_url: the server answered 404" if number else "disk full"
        lifecycle.close(record, Status.FAILURE, PermanentError(reason))
    cause = records.get(FAILED).fingerprint
    found = json.loads(browse("GET", f"/v1/failures/{cause}")[1])
    today = records.get(FAILED).created[:10]
    assert (found["group"]["count"], found["days"], found["item_count"]) == (3, {today: 3}, 1)
    assert [(each["item_id"], each["count"]) for each in found["items"]] == [(ITEM, 3)]
    assert (found["examined"], found["complete"]) == (5, True)
    _, html, _ = browse("GET", f"/failures/{cause}", groups=("viewers",))
    assert (f'href="/items/{ITEM}"' in html, "Safety glasses" in html, "Retry all" in html) == (True, True, False)
    _, html, _ = browse("GET", f"/failures/{cause}")
    assert "Retry all 3" in html
    [form] = [form for _, form in Page(html).forms if form.action == "/tasks/bulk"]
    sent = {control.name: control.value for control in form.controls} | {"action": "retry", "step": "do"}
    status, _, headers = browse("POST", form.action, form=sent)
    job = records.get(headers["Location"].removeprefix("/jobs/").partition("?")[0])
    assert (status, job.kwargs["action"]) == (303, "retry")
    assert [record.task_id for record in listing.page(jobs.filters_of("retry", job.kwargs["where"])[0]).records] == [
        "other-2", "other-1", FAILED
    ]  # fmt: skip
    for page in ("/", f"/tasks/{FAILED}"):
        assert f'href="/failures/{cause}"' in browse("GET", page)[1]


def test_an_open_page_whose_session_ended_gets_a_notice_instead_of_a_redirect(everything):
    assert browse("GET", "/tasks", headers={"hx-request": "true"}, groups=())[0] == 401
    assert browse("GET", "/tasks", groups=())[0] == 303


def broken(control):
    """Values that a field must refuse; an item's own address may be anything, and its task says what is wrong."""
    if control.name == "kwargs.image_url":
        return []
    if control.kind in {"number", "date"} or control.attributes.get("inputmode") == "decimal":
        return ["many"]
    if control.kind in {"select", "checkbox", "radio"}:
        return ["no such choice"]
    return [TOO_LONG]


def is_typed(control):
    """Whether a person fills in the field; the page fills in the others."""
    return control.kind not in {"hidden", "button", "submit", "file"}


def sent_with(form, control, value):
    """The form's fields as they stand, one of them broken."""
    button = next((each for each in form.controls if each.kind == "button"), None)
    stays = {each.name: each.value for each in form.controls if each.kind not in {"checkbox", "button"}}
    stays |= {each.name: ITEM for each in form.controls if "required" in each.attributes and not each.value}
    return {**stays, **({button.name: button.value} if button else {}), control.name: value}


@pytest.mark.parametrize("path", PAGES)
def test_every_field_of_every_form_shows_its_own_error_beside_it(everything, path):
    status, html, _ = browse("GET", path)
    assert status == 200
    unexplained, tried = [], 0
    for _, form in Page(html).forms:
        for control in filter(is_typed, form.controls):
            tried += 1
            for value in broken(control):
                values = sent_with(form, control, value)
                action = form.action or path
                get = form.method.lower() == "get"
                code, answer, _ = browse(form.method.upper(), action, *((values,) if get else (None, values)))
                shown = Page(answer)
                marked = [
                    each for each in shown.fields if each.name == control.name and "aria-invalid" in each.attributes
                ]
                reasons = [
                    shown.texts.get(name, "")
                    for each in marked
                    for name in each.attributes.get("aria-describedby", "").split()
                ]
                if code != 422 or not any(reason.strip() for reason in reasons):
                    unexplained.append((form.action, control.name, value[:20], code))
    assert unexplained == []
    assert tried >= 2  # every page has the form of the reader's preferences


@pytest.mark.parametrize("path", PAGES)
def test_a_forged_form_value_is_reported_and_the_navigation_stays(everything, path):
    _, html, _ = browse("GET", path)
    unexplained = []
    for _, form in Page(html).forms:
        for control in form.controls:
            # A return address on another site leads to the overview; forms for the bucket are signed.
            if control.kind != "hidden" or control.name == "back" or form.action.startswith("https:"):
                continue
            values = sent_with(form, control, TOO_LONG)
            get = form.method.lower() == "get"
            code, answer, _ = browse(form.method.upper(), form.action, *((values,) if get else (None, values)))
            if not (400 <= code < 500 and 'aria-label="Main"' in answer):
                unexplained.append((form.action, control.name, code))
    assert unexplained == []


def test_no_error_page_shows_a_pattern(everything):
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


def test_cards_are_printed_on_the_unused_labels_of_a_sheet(everything):
    status, html, _ = browse("POST", "/items", form={"id": ITEM})
    assert (status, html.count('name="used"'), "Safety glasses" in html) == (200, 3, True)
    chosen = {"id": ITEM, "stock": "a4-3x8", "step": "show"}
    status, html, _ = browse("POST", "/items/print", form=chosen)
    assert (status, html.count('name="used"'), 'value="a4-3x8" selected' in html) == (200, 24, True)
    status, html, _ = browse("POST", "/items/print", form=chosen | {"step": "do", "stock": "avery-5388", "used": "7"})
    assert (status, "has 3 labels a sheet" in Page(html).texts["m-used"]) == (422, True)
    status, _, headers = browse("POST", "/items/print", form=chosen | {"step": "do", "used": "24", "blank": "yes"})
    task_id = headers["Location"].removeprefix("/tasks/").partition("?")[0]
    kwargs = records.get(task_id).kwargs
    assert (status, kwargs["item_ids"], kwargs["used"], kwargs["stock"]) == (303, [ITEM], [24], "a4-3x8")
    assert (kwargs["blank"], kwargs["test_page"], kwargs["offset_right"]) == (True, False, 0)
    assert browse("POST", "/items", form={})[0] == 422


def test_a_result_shows_its_pdf_and_warnings_before_its_json(everything):
    result = {"index_card": f"index_cards/card_{ITEM}.pdf", "bytes": 1234, "warnings": ["the name was cut"]}
    record = records.new(wire.Message("card", CARDS, kwargs={"item_ids": [ITEM]}), queue="generate_index_cards")
    claimed = lifecycle.claim(record, "w@1", records.clock.now().timestamp() + 60)
    lifecycle.succeed(claimed, result)
    _, html, headers = browse("GET", "/tasks/card")
    places = [html.index(each) for each in ('type="application/pdf"', "the name was cut", "1,234", 'id="result"')]
    assert places == sorted(places)
    assert '<details class="json" >' in html[: places[-1]]
    policy = headers["Content-Security-Policy"]
    [link] = re.findall(r'<object data="(https://[^/]+)/', html)
    assert f"object-src {link};" in policy


def test_a_finished_qr_code_and_its_item_link_to_the_printable_svg(everything):
    # given a QR code that a task has created
    key = f"inventory/qrcodes/qr_{ITEM}.png"
    message = wire.Message(str(UUID(int=77)), "inventory.tasks.generate_qr_code", kwargs={"item_id": ITEM})
    record = records.new(message, queue="generate_qr_code", item_id=ITEM)
    claimed = lifecycle.claim(record, "generate_qr_code@1f2e3d4c", records.clock.now().timestamp() + 30)
    lifecycle.succeed(claimed, {"qr_code": key})
    update_item(ITEM, qr_code=key)
    # when somebody opens the task or the item
    for page in (f"/tasks/{message.task_id}", f"/items/{ITEM}"):
        status, html, _ = browse("GET", page)
        # then both link to the file
        assert status == 200
        assert f'href="/v1/items/{ITEM}/qr_code.svg">SVG for print</a>' in html, page
