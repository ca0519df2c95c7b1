"""Uploads: the form, the task that an upload starts, and the processing of the picture."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from urllib.parse import quote_plus
from uuid import UUID

import pytest
import requests
from lambda_queue import LambdaContext
from PIL import Image

from attach_upload.handler import attach_upload
from makertasks.aws import bucket, queues, session
from makertasks.context import Context, running
from makertasks.errors import InvalidRequest, PermanentError
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media import pictures, uploads
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from uploads.handler import handler

ITEM = str(UUID(int=7))
PICTURES = Path(__file__).parents[1] / "data" / "pictures"
KEY = f"uploads/images/{ITEM}/my photo+1.jpg"
CONTEXT = LambdaContext(function_name="uploads")


def photo(kind: str = "JPEG") -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (400, 200), "red").save(body, kind)
    return body.getvalue()


def text_of(key: str) -> str:
    return bucket.get(key).body.decode()


@pytest.fixture
def item(inventory_table, media_bucket):
    inventory.write([Item(f"item#{ITEM}", "item", name="M3 screws", sku="M3", current_stock=5)])
    return lambda: inventory.get_item(ITEM)


@pytest.fixture
def upload(item):
    """Put an object and run its task."""

    def put(body: bytes, key: str = KEY) -> dict:
        bucket.put(key, body, "image/jpeg")
        return attach_upload.call({"key": key})

    return put


class TestAttaching:
    def test_an_uploaded_picture_becomes_the_items_image(self, upload, item):
        result = upload(photo())
        assert (item().image, item().thumbnail) == ("inventory/images/M3.jpg", "CACHE/inventory/images/M3.jpg.webp")
        assert (result["width"], result["height"], result["changed"]) == (400, 200, True)
        assert Image.open(io.BytesIO(bucket.get(item().thumbnail).body)).size == (300, 150)
        assert item().current_stock == 5

    def test_the_upload_is_removed(self, upload):
        upload(photo())
        assert bucket.keys("uploads/") == frozenset()
        assert bucket.keys("rejected/") == frozenset()

    def test_a_file_name_with_the_wrong_type_is_ignored(self, upload, item):
        upload(photo("PNG"))
        assert item().image == "inventory/images/M3.png"

    @pytest.mark.parametrize(
        ("key", "body", "reason"),
        [
            (KEY, b"<html>", "my photo"),
            (KEY, photo()[:500], "my photo"),
            (KEY, (PICTURES / "indexed-without-plte.png").read_bytes(), "palette, which is missing"),
            (KEY, b"\0" * (uploads.MAX_BYTES + 1), f"the limit is {uploads.MAX_BYTES}"),
            (f"uploads/images/{UUID(int=8)}/a.jpg", photo(), f"the inventory has no item {UUID(int=8)}"),
            ("uploads/images/a.jpg", photo(), "its item is unknown"),
            ("uploads/images/screws/a.jpg", photo(), "its item is unknown"),
            ("uploads/a.jpg", photo(), "its item is unknown"),
        ],
    )
    def test_an_unusable_upload_is_moved_aside_with_the_reason(self, upload, item, key, body, reason):
        with pytest.raises(PermanentError, match="; moved to rejected/") as caught:
            upload(body, key)
        rejected = key.replace("uploads/", "rejected/", 1)
        assert bucket.keys("uploads/") == frozenset()
        assert bucket.keys("rejected/") == {rejected, f"{rejected}.reason.txt"}
        assert bucket.get(rejected).body == body
        assert reason in text_of(f"{rejected}.reason.txt")
        assert str(caught.value).startswith(text_of(f"{rejected}.reason.txt").strip())
        assert item().image is None

    @pytest.mark.usefixtures("item")
    def test_an_upload_that_was_replaced_is_left_to_its_own_task(self):
        bucket.put(KEY, photo(), "image/jpeg")
        with pytest.raises(PermanentError, match="has been replaced"):
            attach_upload.call({"key": KEY, "etag": "0123"})
        assert bucket.keys("uploads/") == {KEY}

    @pytest.mark.usefixtures("item")
    def test_a_missing_upload_is_reported(self):
        with pytest.raises(PermanentError, match="no longer in the bucket"):
            attach_upload.call({"key": KEY})

    def test_an_attempt_after_a_crash_has_the_same_outcome(self, upload):
        upload(photo())
        with running(Context("t", attempt=2)):
            assert attach_upload.call({"key": KEY})["changed"] is False
        with pytest.raises(PermanentError) as first:
            upload(b"<html>")
        with running(Context("t", attempt=2)), pytest.raises(PermanentError) as second:
            attach_upload.call({"key": KEY})
        assert str(second.value) == str(first.value)


class TestForms:
    @pytest.mark.usefixtures("media_bucket")
    def test_an_upload_form_accepts_exactly_one_key_and_type(self):
        form = uploads.presigned_post(ITEM, "image/png")
        assert form["key"].startswith(f"uploads/images/{ITEM}/")
        assert form["key"].endswith(".png")
        assert form["fields"]["Content-Type"] == "image/png"
        assert form["expires"].endswith("Z")
        conditions = policy_of(form)["conditions"]
        assert {"Content-Type": "image/png"} in conditions
        assert ["content-length-range", 1, uploads.MAX_BYTES] in conditions
        assert {"key": form["key"]} in conditions

    @pytest.mark.usefixtures("media_bucket")
    def test_a_browser_can_send_the_upload_form(self):
        form = uploads.presigned_post(ITEM, "image/jpeg")
        response = requests.post(form["url"], data=form["fields"], files={"file": photo()}, timeout=5)
        assert response.status_code == 204
        assert bucket.get(form["key"]).body == photo()

    @pytest.mark.parametrize("content_type", ["image/gif", "text/html", ""])
    def test_other_content_types_are_refused_by_name(self, content_type):
        with pytest.raises(
            InvalidRequest,
            match=r"^content_type: .* is not supported; convert the picture to one of image/jpeg, image/png",
        ):
            uploads.presigned_post(ITEM, content_type)


def policy_of(form: dict) -> dict:
    return json.loads(base64.b64decode(form["fields"]["policy"]))


def notification(key: str, **stored) -> dict:
    return {"s3": {"bucket": {"name": "unit-media"}, "object": {"key": quote_plus(key), "eTag": "e1", **stored}}}


def waiting(queue: str) -> int:
    """The number of messages waiting in a queue."""
    url = queues.url_of(queue)
    return len(session.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []))


@pytest.mark.usefixtures("tasks_table", "task_queues", "media_bucket")
class TestNotifications:
    def test_a_dump_and_a_picture_become_tasks(self):
        event = {"Records": [notification("imports/my dump+ä.json", sequencer="1"), notification(KEY, sequencer="2")]}
        assert handler(event, CONTEXT) == {"queued": 2}
        assert waiting("import_dump") == waiting("attach_upload") == 1

    def test_a_picture_is_listed_with_its_item_and_one_that_names_none_is_not(self):
        handler({"Records": [notification(KEY, sequencer="1"), notification("uploads/a.jpg", sequencer="2")]}, CONTEXT)
        assert {record.kwargs["key"]: record.item_id for record in all_records()} == {
            KEY: str(ITEM),
            "uploads/a.jpg": None,
        }

    def test_keys_arrive_unescaped(self):
        handler({"Records": [notification("imports/my dump+ä.json", sequencer="1")]}, CONTEXT)
        [record] = all_records()
        assert record.kwargs == {"key": "imports/my dump+ä.json", "etag": "e1"}
        assert (record.name, record.requested_by) == ("makertasks.import_dump", "upload")

    def test_a_repeated_notification_is_one_task_and_a_new_object_another(self):
        for sequencer in ("1", "1", "2"):
            handler({"Records": [notification(KEY, sequencer=sequencer)]}, CONTEXT)
        assert len(all_records()) == 2

    def test_eventbridge_notifications_have_unescaped_keys(self):
        stored = {"key": "imports/a+b%20c.json", "etag": "e1", "sequencer": "1", "version-id": "v1"}
        handler({"detail": {"bucket": {"name": "unit-media"}, "object": stored}}, CONTEXT)
        assert [record.kwargs["key"] for record in all_records()] == ["imports/a+b%20c.json"]

    def test_folders_other_keys_and_s3s_test_event_start_no_tasks(self):
        events = [{"Records": [notification(key)]} for key in ("imports/", "uploads/images/7/", "inventory/images/a")]
        assert [handler(event, CONTEXT)["queued"] for event in [*events, {"Event": "s3:TestEvent"}]] == [0, 0, 0, 0]


def all_records() -> list[TaskRecord]:
    return list(records.connect().scan())


def test_the_forms_limit_is_that_of_pictures():
    assert pictures.MAX_BYTES == uploads.MAX_BYTES
    # AVIF is accepted, and stored in one of the other formats.
    assert {*pictures.CONTENT_TYPES.values(), "image/avif"} == set(uploads.EXTENSIONS)
