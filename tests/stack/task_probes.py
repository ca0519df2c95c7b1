"""What each of the project's own tasks does, as probes of its role (see probes.py)."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta

from makertasks import clock
from makertasks.inventory import table as inventory
from tests.stack.deliveries import (
    arguments,
    body_of,
    deliver,
    dump,
    image_url,
    picture,
    short_name,
    sqs_record,
    upload,
    waiting,
)
from tests.stack.rights import Bench, Role
from tests.waiting import wait_for

ITEM_TASKS = ("download_image_from_url", "generate_qr_code", "generate_index_card")


def succeeds(bench: Bench, role: Role) -> None:
    deliver(bench, role, arguments(bench, role))


def replaces_an_image(bench: Bench, role: Role) -> None:
    """The previous image, under another name, is deleted with its thumbnail."""
    old = f"inventory/images/{uuid.uuid4()}.jpg"
    bench.put_object(old, picture(kind="JPEG"))
    bench.put_object(f"CACHE/{old}.webp", picture(kind="WEBP"))
    item_id = bench.item(image=old)
    named = {"item_id": item_id, "image_url": image_url(bench, "blue")}
    given = named if short_name(role) in ITEM_TASKS else {"key": upload(bench, item_id)}
    deliver(bench, role, given)
    assert not bench.has_object(old)
    assert not bench.has_object(f"CACHE/{old}.webp")


def replaces_a_code(bench: Bench, role: Role) -> None:
    old = f"inventory/qrcodes/{uuid.uuid4()}.png"
    bench.put_object(old, picture())
    deliver(bench, role, {"item_id": bench.item(qr_code=old)})
    assert not bench.has_object(old)


def reads_items_of_a_batch_together(bench: Bench, role: Role) -> None:
    """Without the permission, each task reads its own item and logs it."""
    began, ids = int(time.time() * 1000) - 1, [str(uuid.uuid4()) for _ in range(2)]
    attributes = {"SentTimestamp": str(began), "ApproximateReceiveCount": "1"}
    events = [
        sqs_record(
            {"MessageId": task_id, "ReceiptHandle": "-", "Attributes": attributes}
            | {"Body": body_of(role, {"item_id": bench.item()}, task_id=task_id)}
        )
        for task_id in ids
    ]
    assert bench.invoke(role, {"Records": events}) == {"batchItemFailures": []}

    def said() -> str:
        group = f"/aws/lambda/{role.function}"
        found = bench.stack.client("logs").filter_log_events(logGroupName=group, startTime=began)["events"]
        text = "".join(event["message"] for event in found)
        return text if all(f"{task_id}" in text for task_id in ids) else ""

    assert "batch read of items failed" not in wait_for(said, "both tasks in the log")


def draws_pictures(bench: Bench, role: Role) -> None:
    """Cards show the thumbnail, or the image if there is no thumbnail."""
    image = f"inventory/images/{uuid.uuid4()}.png"
    for key, attribute in ((image, "image"), (f"CACHE/{image}.webp", "thumbnail")):
        bench.put_object(key, picture())
        item_id = bench.item(**{attribute: key})
        one = short_name(role) == "generate_index_card"
        assert not deliver(bench, role, {"item_id": item_id} if one else {"item_ids": [item_id]})["warnings"]


def measures(bench: Bench, role: Role) -> None:
    """A delivery ten days after its order has a lead time of ten days."""
    owner, yesterday = inventory.owner_of(bench.item()), datetime.now(UTC) - timedelta(days=1)
    ordered, received = clock.text(yesterday - timedelta(days=10)), yesterday.date().isoformat()
    bench.put_entry(inventory.ItemSupplier(owner, "supplier#1", supplier_id="7", is_primary=True))
    dates = {"ordered_at": ordered, "actual_delivery": received}
    bench.put_entry(inventory.ReorderRequest(owner, "request#1", status="received", supplier_id="7", **dates))
    assert deliver(bench, role, {})["links"]["changed"]


def imports_changes(bench: Bench, role: Role) -> None:
    """Import a new item, then a changed one, then a deletion."""
    pk = str(uuid.uuid4())
    for name in ("Before", "After"):
        deliver(bench, role, {"key": dump(bench, pk, name)})
    deliver(bench, role, {"key": dump(bench, pk, deleted=(datetime.now(UTC) + timedelta(minutes=1)).isoformat())})


def rejects_an_unusable_upload(bench: Bench, role: Role) -> None:
    """An unusable upload is moved aside with the reason; a second attempt finds both."""
    key = f"uploads/images/{bench.item()}/{uuid.uuid4().hex}.png"
    bench.put_object(key, b"no picture")
    deliver(bench, role, {"key": key}, ends_as="FAILURE")
    assert not bench.has_object(key)


def recognises_a_rejected_upload(bench: Bench, role: Role) -> None:
    """If the first attempt moved the upload aside without recording it, the second one reads the reason."""
    key = f"images/{uuid.uuid4()}/{uuid.uuid4().hex}.png"
    bench.put_object(f"rejected/{key}", b"no picture")
    bench.put_object(f"rejected/{key}.reason.txt", b"no picture")
    task_id = waiting(bench, role, timedelta(seconds=-1), key=f"uploads/{key}")
    deliver(bench, role, {"key": f"uploads/{key}"}, ends_as="FAILURE", task_id=task_id)
    error = bench.record(task_id)["error_message"]
    assert "moved to rejected/" in error["S"], error


def cleans(bench: Bench, role: Role) -> None:
    """No object is a day old, so the task only lists objects."""
    bench.item(image="inventory/images/x.png")
    deliver(bench, role, {})  # checks that the task succeeded
