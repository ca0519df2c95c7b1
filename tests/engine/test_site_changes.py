"""From the inventory table's stream to the site: what is sent, and how it is posted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from standardwebhooks.webhooks import Webhook

from item_changes.handler import handler as item_changes
from makertasks.aws import bucket, parameters, queues
from makertasks.context import Context, running
from makertasks.errors import PermanentError, TemporaryError
from makertasks.inventory import site_changes
from makertasks.records import table as records
from push_to_site.handler import push_to_site

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ITEM = "00000000-0000-0000-0000-000000000007"
LAMBDA = SimpleNamespace(
    function_name="item_changes",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:unit-item_changes",
    aws_request_id="r",
)


@dataclass
class Site:
    """A site whose responses a test chooses, and that keeps what was posted."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    posted: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    found = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            found.posted.append((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers)))
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b'{"applied": 1}')

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/makertasks/changes/"
    monkeypatch.setenv("SITE_URL", found.url)
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def secret(aws):
    parameters.put_secret("/unit/site-secret", SECRET)


def stream_event(*pairs: tuple[dict, dict]) -> dict:
    return {
        "Records": [
            {
                "eventID": f"e{number}",
                "eventName": "MODIFY",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"Keys": {}, "SequenceNumber": str(number), "OldImage": old, "NewImage": new},
            }
            for number, (old, new) in enumerate(pairs)
        ]
    }


def row(kind="item", entry="item", **attributes) -> dict:
    texts = {"owner": f"item#{ITEM}", "entry": entry, "kind": kind}
    texts |= {name: value for name, value in attributes.items() if isinstance(value, str)}
    numbers = {name: {"N": str(value)} for name, value in attributes.items() if isinstance(value, int)}
    return {name: {"S": value} for name, value in texts.items()} | numbers


IMAGE = (row(), row(image="inventory/images/a.png", image_version=5))


def waiting() -> list[site_changes.Message]:
    return [site_changes.decode(each.body) for each in queues.receive(queues.SITE_CHANGES)]


def push(changes) -> dict:
    with running(Context("task-1")):
        return push_to_site.call({"changes": changes})


A_CHANGE = [{"model": "inventory.inventoryitem", "pk": ITEM, "attributes": {"image": {"value": "inventory/images/a.png", "version": 5}}}]  # fmt: skip  # noqa: E501


@pytest.mark.usefixtures("task_queues")
class TestPulling:
    def test_changes_made_by_tasks_are_sent_to_the_queue(self):
        times = {"average_lead_time": 3, "lead_time_median": 4, "lead_time_p90": 5, "lead_time_version": 2}
        link = (row("supplier", "supplier#9"), row("supplier", "supplier#9", **times))
        assert item_changes(stream_event(IMAGE, link), LAMBDA) == {"batchItemFailures": []}
        [message] = waiting()
        changes = {each.model: (each.pk, {n: (a.value, a.version) for n, a in each.attributes.items()}) for each in message.changes}  # fmt: skip  # noqa: E501
        assert changes == {
            "inventory.inventoryitem": (ITEM, {"image": ("inventory/images/a.png", 5)}),
            "inventory.itemsupplier": (
                "9",
                {"average_lead_time": (3, 2), "lead_time_median": (4, 2), "lead_time_p90": (5, 2)},
            ),
        }

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (IMAGE[1], {**IMAGE[1], "current_stock": {"N": "4"}}),  # a change of stock by the site
            (row(), row(image="inventory/images/own.png")),  # an image that came from the site
            (row(), row(thumbnail="t")),
        ],
    )
    def test_changes_from_the_site_are_not_sent_back(self, old, new):
        item_changes(stream_event((old, new)), LAMBDA)
        assert waiting() == []

    def test_a_message_to_the_site_has_at_most_five_images(self):
        many = [(row(), row(image=f"inventory/images/{number}.png", image_version=1)) for number in range(12)]
        item_changes(stream_event(*many), LAMBDA)
        assert sorted(len(message.changes) for message in waiting()) == [2, 5, 5]


@pytest.mark.usefixtures("secret", "media_bucket")
class TestPushing:
    def test_a_pushed_change_is_signed_and_has_a_link_to_the_image(self, site):
        bucket.put("inventory/images/a.png", b"png", "image/png")
        assert push(A_CHANGE) == {"status": 200, "answer": {"applied": 1}}
        [(body, headers)] = site.posted
        Webhook(SECRET).verify(body, headers)
        assert headers["webhook-id"] == "task-1"
        message = site_changes.decode(body)
        link = message.changes[0].attributes["image"].link
        assert "inventory/images/a.png?" in link
        assert "X-Amz-Expires=900" in link

    def test_two_secrets_sign_while_they_are_changed(self, site):
        other = "whsec_dGhlIG9sZCBzZWNyZXQgb2YgdGhlIHNpdGU="
        parameters.put_secret("/unit/site-secret", f"{SECRET} {other}")
        push(A_CHANGE)
        [(body, headers)] = site.posted
        for known in (SECRET, other):
            Webhook(known).verify(body, headers)

    @pytest.mark.parametrize("status", [301, 401, 413, 500, 503])
    def test_a_change_that_the_site_rejects_is_retried_later(self, site, status):
        site.status, site.headers = status, {"Retry-After": "90", "Location": "http://127.0.0.1:1/"}
        with pytest.raises(TemporaryError, match=f"the site answered {status}") as raised:
            push(A_CHANGE)
        assert raised.value.retry_after == 90
        assert len(site.posted) == 1

    def test_a_response_409_counts_as_delivered(self, site):
        site.status = 409
        assert push(A_CHANGE)["status"] == 409

    def test_a_site_that_is_down_is_tried_again(self, monkeypatch):
        monkeypatch.setenv("SITE_URL", "http://127.0.0.1:9/")
        with pytest.raises(TemporaryError, match="the site could not be reached"):
            push(A_CHANGE)

    @pytest.mark.usefixtures("site")
    def test_a_message_that_is_not_a_change_fails_at_once(self):
        with pytest.raises(PermanentError, match="changes: "):
            push([{"model": 7}])

    @pytest.mark.usefixtures("site")
    def test_pushing_without_a_secret_names_the_remedy(self, aws):
        aws.client("ssm").delete_parameter(Name="/unit/site-secret")
        with pytest.raises(TemporaryError, match="makertasks site-secret"):
            push(A_CHANGE)

    @pytest.mark.usefixtures("site", "task_queues", "tasks_table", "inventory_table")
    def test_with_a_site_url_changes_become_tasks(self):
        assert item_changes(stream_event(IMAGE), LAMBDA) == {"batchItemFailures": []}
        record = records.get("site-e0-0")
        assert (record.name, record.status) == ("makertasks.push_to_site", "PENDING")
        assert waiting() == []

    def test_delays_between_pushes_grow_to_hours_and_end_after_about_a_week(self):
        pauses = [
            min(push_to_site.retry_cap, push_to_site.retry_base * 2.0**n) for n in range(push_to_site.max_retries)
        ]
        assert 5 * 86_400 < sum(pauses) * 0.75 < 14 * 86_400
