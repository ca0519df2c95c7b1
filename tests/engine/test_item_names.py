"""The name of a task's item stays with its record, as it was, however the task was submitted."""

from __future__ import annotations

from uuid import UUID

import pytest
from lambda_queue import Queue

from makertasks import wire
from makertasks.aws import session
from makertasks.inventory import batches, faces
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.monitoring import views
from makertasks.records import table as records
from makertasks.submission import producer
from makertasks.submission.bulk import submit_many
from makertasks.submission.producer import Submission

ITEM = str(UUID(int=7))
QR = "inventory.tasks.generate_qr_code"


@pytest.fixture
def queue(tasks_table, inventory_table, counters_table, media_bucket, task_queues):
    """The queue of QR codes with its worker, and one item."""
    from generate_qr_code.handler import handler  # noqa: PLC0415 - its environment is there now

    inventory.write([Item(f"item#{ITEM}", "item", name="Safety glasses, clear", thumbnail="CACHE/7.webp")])
    return Queue(session.client("sqs"), "unit-tasks-generate_qr_code", handler)


def rename(name):
    inventory.update_item(ITEM, name=name)


def test_a_record_has_the_name_that_its_item_had_when_it_was_submitted(queue):
    task_id = producer.submit(Submission(QR, {"item_id": ITEM})).task_id
    rename("Goggles")
    queue.deliver()

    record = records.get(task_id)

    assert (record.status, record.item_name) == ("SUCCESS", "Safety glasses, clear")
    assert views.summary(record)["item_name"] == "Safety glasses, clear"


def test_records_of_a_bulk_submission_also_have_the_items_name(queue):
    [task_id] = submit_many([Submission(QR, {"item_id": ITEM})]).ids
    assert records.get(task_id).item_name == "Safety glasses, clear"


def test_a_message_that_a_celery_client_sent_gets_the_name_that_its_task_read(queue):
    batches._names.clear()
    message = wire.Message(task_id="from-celery", name=QR, args=[], kwargs={"item_id": ITEM}, root_id="from-celery")
    queue.send(wire.encode(message, "generate_qr_code"))
    queue.deliver()

    record = records.get("from-celery")

    assert (record.status, record.item_name) == ("SUCCESS", "Safety glasses, clear")


def test_an_items_name_is_recorded_short_in_one_line_and_without_secrets(queue):
    rename("Key password=hunter2\n" + "x" * 500)
    task_id = producer.submit(Submission(QR, {"item_id": ITEM})).task_id

    name = records.get(task_id).item_name

    assert name.startswith("Key password=***masked*** xxx")
    assert len(name) == records.ITEM_NAME_CHARACTERS
    assert "\n" not in name


def test_names_and_thumbnails_of_a_page_take_one_request_and_omit_deleted_items(queue):
    assert faces.of([ITEM, ITEM, str(UUID(int=8))]) == {ITEM: faces.Face("Safety glasses, clear", "CACHE/7.webp")}
    assert faces.of([]) == {}


def test_ids_that_are_not_uuids_are_ignored(queue):
    assert list(faces.of(["", "x" * 3000, "no id", ITEM])) == [ITEM]


def test_a_shortened_name_is_marked():
    assert records.item_name("a" * 80) == "a" * 80
    assert records.item_name("edges  polished " * 9) == f"{'edges polished ' * 5}edge…"
