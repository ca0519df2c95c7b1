"""Pages as a signed-in browser gets them, their forms, and content for every page."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from api_calls import Context, pool, token  # noqa: F401 - the fixture

from api.handler import handler
from makertasks import wire
from makertasks.control import alerting, jobs
from makertasks.errors import PermanentError
from makertasks.inventory.table import Item
from makertasks.records import failures, lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters

ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
DOWNLOAD = "inventory.tasks.download_image_from_url"
CARDS = "inventory.tasks.generate_index_cards"
PICTURE = "https://shop.example/glasses.jpg"
LETTER = "not-readable"
JOB = "b154369b-a2ea-4e07-a3e6-18e3389a61b8"
FAILED = "failed-download"
CAUSE = failures.fingerprint(DOWNLOAD, "PermanentError", "image_url: the server answered 404")


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
    """One request of a signed-in superuser's browser; returns status, page and its text."""
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
    """An item, a failed download of it, a waiting job, a dead letter and an alert."""
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
    job = wire.Message(JOB, jobs.TASK, kwargs={"action": "retry", "where": {"item_id": ITEM}, "who": "ann"})
    lifecycle.create(records.new(job, queue="bulk_action"))
    dead_letters.record("{", message_id=LETTER, queue="generate_qr_code", sent=records.clock.now())
