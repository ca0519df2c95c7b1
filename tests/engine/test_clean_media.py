"""Cleaning media: objects that an item or a task refers to stay, recent ones stay, all others are deleted."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from lambda_queue import LambdaContext

from clean_media.handler import clean_media
from makertasks import clock, context, tasks, wire
from makertasks.aws import bucket
from makertasks.inventory import table as inventory
from makertasks.records import table as records
from task_events import handler as task_events

A, B = (str(uuid.UUID(int=number)) for number in (1, 2))
LATER = datetime.now(UTC) + timedelta(days=40)


@pytest.fixture
def media(inventory_table, tasks_table, media_bucket, monkeypatch):
    """Two items with their media, and orphans of each kind; everything is 40 days old."""
    image = "inventory/images/SKU-1.jpg"
    inventory.write(
        [
            inventory.Item(
                inventory.owner_of(A), "item", name="Drill", image=image, thumbnail=f"CACHE/{image}.webp",
                qr_code=f"inventory/qrcodes/qr_{A}.png", index_card=f"index_cards/card_{A}.pdf",
            ),
            inventory.Item(inventory.owner_of(B), "item", name="Saw", site_image="inventory/images/saw.v2.jpg"),
        ]
    )  # fmt: skip
    records.new(wire.Message(task_id="known", name="n"), queue="q").save()
    used = {
        image, f"CACHE/{image}.webp", f"inventory/qrcodes/qr_{A}.png",
        f"index_cards/card_{A}.pdf", f"index_cards/card_{B}_blank.pdf", "index_cards/sheets/known.pdf",
        "index_cards/sheets/known-2.pdf", "inventory/images/saw.v2.jpg",
        "CACHE/images/inventory/images/SKU-1/5f2b.webp", "CACHE/images/inventory/images/saw.v2/5f2b.webp",
    }  # fmt: skip
    orphans = {
        f"inventory/qrcodes/qr_{A}.svg",  # stored by an earlier version; today the API draws it on request
        "inventory/images/SKU-1.png", "CACHE/inventory/images/SKU-1.png.webp", f"inventory/qrcodes/qr_{B}.png",
        f"index_cards/card_{B}.pdf", "index_cards/sheets/gone.pdf", "index_cards/sheets/gone-2.pdf",
        "CACHE/images/inventory/images/SKU-2/5f2b.webp",
    }  # fmt: skip
    elsewhere = {"uploads/images/x/y.png", "imports/dump.json", "payloads/x/kwargs.json"}
    for key in used | orphans | elsewhere:
        bucket.put(key, b"12345", "application/octet-stream")
    monkeypatch.setattr(clock, "now", lambda: LATER)
    return used | elsewhere, orphans


def all_keys():
    return set(bucket.keys(""))


def test_unreferenced_objects_are_removed_and_all_others_kept(media):
    kept, orphans = media
    result = clean_media.call({})
    assert all_keys() == kept
    assert result["removed"] == len(orphans)
    assert result["removed_bytes"] == 5 * len(orphans)
    assert set(result["shown"]) == orphans
    assert result["looked_at"] == result["in_use"] + result["removed"]


def test_a_dry_run_reports_the_same_and_removes_nothing(media):
    kept, orphans = media
    result = clean_media.call({"dry_run": True})
    assert set(result["shown"]) == orphans
    assert all_keys() == kept | orphans


def test_recent_objects_are_kept_even_if_nothing_refers_to_them(media):
    kept, orphans = media
    result = clean_media.call({"older_than_days": 41})
    assert (result["removed"], result["too_young"]) == (0, result["looked_at"])
    assert all_keys() == kept | orphans


def test_cleaning_continues_where_time_ran_out_and_counts_once(media):
    kept, orphans = media
    state, runs = {}, 0
    while True:
        runs += 1
        hurried = context.Context(task_id="t", state=state, deadline=0)  # time runs out after every page
        try:
            with context.running(hurried):
                result = clean_media.call({})
        except context.Continue as pause:
            state = pause.state
        else:
            break
    assert runs > 3
    assert all_keys() == kept
    assert result["removed"] == len(orphans)


def test_large_arguments_are_deleted_with_their_record(counters_table, media_bucket):
    for key in ("payloads/a/kwargs-1.json", "payloads/b/kwargs-1.json"):
        bucket.put(key, b"{}", "application/json")
    old = {
        "id": {"S": "b'celery-task-meta-a'"}, "name": {"S": "n"}, "created": {"S": "2026-11-22T09:00:00.000000Z"},
        "status": {"S": "SUCCESS"},
        "payloads": {"M": {"kwargs": {"M": {"key": {"S": "payloads/a/kwargs-1.json"}, "bytes": {"N": "2"}}}}},
    }  # fmt: skip
    removed = {"eventID": "1" * 32, "eventName": "REMOVE", "dynamodb": {"Keys": {}, "OldImage": old}}
    changed = {"eventID": "2" * 32, "eventName": "MODIFY", "dynamodb": {"Keys": {}, "OldImage": old, "NewImage": old}}
    task_events.handler({"Records": [changed]}, LambdaContext())
    assert "payloads/a/kwargs-1.json" in all_keys()
    task_events.handler({"Records": [removed]}, LambdaContext())
    assert all_keys() == {"payloads/b/kwargs-1.json"}


def test_files_of_other_tasks_belong_to_the_items_and_tasks_in_their_keys(media, monkeypatch):
    # given a task that writes labels, and labels of an existing item and task, of deleted ones, and of none
    monkeypatch.setattr(tasks, "written_folders", lambda: ("labels/",))
    gone, task_id = str(uuid.UUID(int=9)), str(uuid.UUID(int=8))
    monkeypatch.setattr(clock, "now", lambda: LATER - timedelta(days=40))
    records.new(wire.Message(task_id=task_id, name="n"), queue="q").save()
    for name in (B, task_id, gone, "all"):
        bucket.put(f"labels/{name}.txt", b"12345", "text/plain")

    # when media are cleaned
    monkeypatch.setattr(clock, "now", lambda: LATER)
    clean_media.call({})

    # then only the labels of deleted items or tasks are deleted
    assert set(bucket.keys("labels/")) == {f"labels/{name}.txt" for name in (B, task_id, "all")}
