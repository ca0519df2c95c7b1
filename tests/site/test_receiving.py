"""The site's view: it accepts messages signed by the stack, each once, and nothing else."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.test import Client
from inventory.models import InventoryItem, ItemSupplier, Supplier
from standardwebhooks.webhooks import Webhook

from makertasks.aws import bucket
from makertasks.contrib.django import applying, media
from makertasks.contrib.django.models import ReceivedMessage
from makertasks.inventory import site_changes

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_dGhlIG9sZCBzZWNyZXQgb2YgdGhlIHNpdGU="


@pytest.fixture(autouse=True)
def secret(settings_of_site):
    settings_of_site.MAKERTASKS_WEBHOOK_SECRET = SECRET


@pytest.fixture
def link(inventory_table, media_bucket):
    item = InventoryItem.objects.create(name="Drill")
    return ItemSupplier.objects.create(item=item, supplier=Supplier.objects.create(name="S"))


def message(link, days: int, version: int) -> str:
    attributes = {"average_lead_time": site_changes.Attribute(days, version)}
    return site_changes.encode(
        site_changes.Message([site_changes.Changed("inventory.itemsupplier", str(link.pk), attributes)])
    )


def post(body, message_id="m1", secret=SECRET, age=timedelta(0), content_type="application/json", **headers):
    moment = datetime.now(UTC) - age
    signed = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, body),
    }
    return Client().post("/makertasks/changes/", body, content_type=content_type, headers=signed | headers)


def days() -> int:
    return ItemSupplier.objects.get().average_lead_time


def test_a_signed_message_is_applied(link):
    answer = post(message(link, 3, 1))
    assert (answer.status_code, answer.json(), days()) == (200, {"applied": 1}, 3)


def test_during_a_secrets_rotation_both_secrets_are_accepted(link, settings_of_site):
    settings_of_site.MAKERTASKS_WEBHOOK_SECRET = f"{OTHER} {SECRET}"
    assert post(message(link, 3, 1)).status_code == 200
    assert post(message(link, 4, 2), "m2", OTHER).status_code == 200
    assert days() == 4


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"secret": OTHER}, 401),
        ({"age": timedelta(minutes=6)}, 401),
        ({"age": -timedelta(minutes=6)}, 401),
        ({"webhook-signature": "v1"}, 401),
        ({"webhook-signature": "v1,%%%"}, 401),
        ({"webhook-signature": ""}, 401),
        ({"webhook-timestamp": "soon"}, 401),
        ({"webhook-id": "another"}, 401),
    ],
)
def test_a_wrong_signature_or_time_is_refused(link, options, status):
    assert post(message(link, 3, 1), **options).status_code == status
    assert days() == 7


def test_a_changed_body_is_refused(link):
    body = message(link, 3, 1)
    signature = Webhook(SECRET).sign("m1", datetime.now(UTC), body)
    assert post(body.replace('"value":3', '"value":4'), **{"webhook-signature": signature}).status_code == 401
    assert days() == 7


def test_without_a_secret_all_posts_are_refused(link, settings_of_site):
    settings_of_site.MAKERTASKS_WEBHOOK_SECRET = ""
    assert post(message(link, 3, 1)).status_code == 401


def test_a_replay_is_refused(link):
    body = message(link, 3, 1)
    assert [post(body).status_code for _ in range(2)] == [200, 409]
    ReceivedMessage.objects.update(received=datetime.now(UTC) - timedelta(days=1))
    assert post(message(link, 4, 2), "m2").status_code == 200
    assert list(ReceivedMessage.objects.values_list("id", flat=True)) == [
        "m2"
    ]  # the other one is too old to be replayed


def test_a_huge_body_is_refused_before_it_is_parsed(link):
    assert post("x" * (256 * 1024 + 1)).status_code == 413


def test_only_post_requests_are_accepted(link):
    assert Client().get("/makertasks/changes/").status_code == 405


NESTED = '{"type": "inventory.changed", "format": 1, "changes": [], "more": ' + "[" * 50_000 + "]" * 50_000 + "}"


@pytest.mark.parametrize(
    "body",
    ["[]", '{"type": "inventory.changed", "format": 2, "changes": []}', "[" * 5000, NESTED, "\x00", ""],
    ids=["a list", "format 2", "open brackets", "nested deeply", "a zero byte", "nothing"],
)
def test_another_format_is_refused(link, body):
    assert post(body).status_code == 422


def test_a_pushed_change_that_fails_is_requested_again(link, monkeypatch):
    body = message(link, 3, 1)
    with monkeypatch.context() as patch:
        patch.setattr(applying, "apply", fail)
        assert post(body).status_code == 503
    assert post(body).status_code == 200
    assert days() == 3


@pytest.mark.parametrize(
    ("value", "version"),
    [(3, 2**63), (2**31, 1), (-1, 1), (3, -1)],
    ids=["version", "days", "negative days", "negative"],
)
def test_numbers_too_large_for_their_column_are_refused(link, value, version):
    assert post(message(link, value, version)).status_code == 422
    assert days() == 7


def test_a_key_too_large_for_its_column_changes_nothing(link):
    body = message(link, 3, 1).replace(f'"pk":"{link.pk}"', '"pk":"99999999999999999999999"')
    assert post(body).status_code in {200, 503}
    assert days() == 7


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_the_signature_is_checked_for_any_content_type(link, content_type):
    assert post(message(link, 3, 1), content_type=content_type).status_code == 200
    assert days() == 3


@pytest.mark.parametrize("name", ["webhook-signature", "webhook-timestamp", "webhook-id"])
@pytest.mark.parametrize("value", ["\u00e9", "nan", "1e400", "-1", "9" * 400, "v1," + "A" * 5000])
def test_malformed_headers_are_refused(link, name, value):
    assert post(message(link, 3, 1), **{name: value}).status_code == 401
    assert days() == 7


KEY = "inventory/images/D-1.png"


def picture_message(link, address: str) -> str:
    image = {"image": site_changes.Attribute(KEY, 1, address)}
    return site_changes.encode(
        site_changes.Message([site_changes.Changed("inventory.inventoryitem", str(link.item_id), image)])
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/inventory/images/D-1.png",
        "http://169.254.169.254/latest/meta-data/inventory/images/D-1.png",
        "file:///etc/passwd",
        "https://{host}@evil.example/inventory/images/D-1.png",
        "https://{host}.evil.example/inventory/images/D-1.png",
        "https://{host}/another/object.png",
        "http://{host}/inventory/images/D-1.png",
    ],
)
def test_a_link_to_another_host_is_not_followed(link, address, monkeypatch):
    host = urlsplit(bucket.link(KEY)).netloc
    monkeypatch.setattr(media, "urlopen", lambda *_, **__: pytest.fail("it was followed"))
    assert post(picture_message(link, address.format(host=host))).status_code == 503
    assert not InventoryItem.objects.get().image


def test_a_link_made_by_the_stack_is_followed(link, monkeypatch):
    followed = []
    monkeypatch.setattr(
        media, "urlopen", lambda request, **_: followed.append(request.full_url) or contextlib.closing(io.BytesIO(b"x"))
    )
    address = bucket.link(KEY)
    assert post(picture_message(link, address)).status_code == 200
    assert followed == [address]
    assert InventoryItem.objects.get().image == KEY


def fail(_):
    raise OSError("no room on the disk")


def test_pushed_and_pulled_changes_have_the_same_format(link):
    assert post(message(link, 3, 5)).json() == {"applied": 1}
    assert dict(applying.apply(site_changes.decode(message(link, 4, 5)))) == {"older": 1}


def test_djangos_checks_pass(environment):
    call_command("check")
