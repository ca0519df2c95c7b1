"""Pages show names of items and tasks, and their ids in tooltips."""

from __future__ import annotations

import json
import re

import pytest
from api_calls import pool  # noqa: F401 - the fixture
from browsing import browse

from api.pages import jobs as job_pages
from makertasks import wire
from makertasks.control import audit, jobs
from makertasks.errors import PermanentError
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status

ITEM, GONE = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7", "0b5c1f0e-6f0a-4a54-9d0c-3a1f6f2b7c11"
DOWNLOAD = "inventory.tasks.download_image_from_url"
JOB = "b154369b-a2ea-4e07-a3e6-18e3389a61b8"


def face(item_id, name, extra=""):
    """An item's link on any page."""
    return re.compile(
        rf'<a class="face" href="/items/{item_id}" title="Item {item_id}{extra}">.*?<bdi>{name}</bdi></a>'
    )


def fail(task_id, item_id, name):
    message = wire.Message(task_id, DOWNLOAD, kwargs={"item_id": item_id, "image_url": "https://shop.example/a.png"})
    record = records.new(message, queue="download_image_from_url", item_id=item_id)
    record.item_name = name
    lifecycle.close(record, Status.FAILURE, PermanentError("image_url: the server answered 404"))


@pytest.fixture
def failed(tasks_table, counters_table, inventory_table, media_bucket, task_queues):
    """Two failed downloads: of an item that has been renamed, and of a deleted one."""
    inventory.write([Item(f"item#{ITEM}", "item", name="Goggles", thumbnail="CACHE/7.webp")])
    fail("of-item", ITEM, "Safety glasses")
    fail("of-gone", GONE, "Worn brush")


def test_a_failure_causes_items_have_the_names_recorded_with_the_failures(failed):
    html = browse("GET", f"/failures/{records.get('of-item').fingerprint}")[1]
    assert face(ITEM, "Safety glasses", ", now named Goggles").search(html)
    assert face(GONE, "Worn brush").search(html)


def test_the_audit_log_names_tasks_and_items(failed):
    audit.record("ann", "revoke", "of-item")
    audit.record("ann", "revoke", "never-existed")
    audit.record("ann", "job: retry", "tasks", where={"item_id": ITEM, "name": DOWNLOAD})
    html = browse("GET", "/activity")[1]
    assert '<a href="/tasks/of-item" title="of-item">Download image from URL</a>' in html
    assert face(ITEM, "Safety glasses", ", now named Goggles").search(html)
    assert '<a href="/tasks/never-existed">never-existed</a>' in html
    assert face(ITEM, "Goggles").search(html)
    assert "task Download image from URL" in html


def test_a_jobs_outcomes_name_tasks_and_items(failed, monkeypatch):
    # given a job with an outcome for each of two items, and for a deleted task
    message = wire.Message(JOB, jobs.TASK, kwargs={"action": "retry", "where": {"item_id": ITEM}, "who": "ann"})
    record = records.new(message, queue="bulk_action")
    lifecycle.close(record, Status.FAILURE, PermanentError("stopped"))
    outcomes = [
        {"id": "of-item", "outcome": "REFUSED", "detail": "task of-item is not finished"},
        {"id": "of-gone", "outcome": "RETRIED", "detail": "new-one"},
        {"id": "deleted", "outcome": "GONE", "detail": None},
    ]
    monkeypatch.setattr(job_pages.jobs, "part", lambda *_: iter(outcomes))
    real = job_pages.job_of
    monkeypatch.setattr(job_pages, "job_of", lambda record: {**real(record), "parts": 1})
    # then its page and the list of jobs have names
    html = browse("GET", f"/jobs/{JOB}")[1]
    assert face(ITEM, "Safety glasses", ", now named Goggles").search(html)
    assert face(GONE, "Worn brush").search(html)
    assert "this task is not finished" in html
    assert '<a class="id" href="/tasks/deleted">deleted</a>' in html
    assert face(ITEM, "Goggles").search(browse("GET", "/jobs")[1])


def test_a_bulk_action_names_tasks_and_items(failed):
    asked = browse("POST", "/tasks/bulk", form={"action": "retry", "id": "of-item"})[1]
    assert face(ITEM, "Safety glasses", ", now named Goggles").search(asked)
    html = browse("POST", "/tasks/bulk", form={"action": "delete", "id": "of-gone", "step": "do"})[1]
    assert '<span title="of-gone">Download image from URL</span>' in html
    assert face(GONE, "Worn brush").search(html)
    everything = browse("POST", "/tasks/bulk", form={"action": "retry", "all": "yes", "item_id": ITEM})[1]
    assert face(ITEM, "Goggles").search(everything)


def test_a_log_names_the_items_of_its_lines(failed, monkeypatch):
    lines = [
        {"time": "2026-11-22T09:30:00.210000Z", "level": "INFO", "message": "read", "fields": {"item_id": each}}
        for each in (ITEM, GONE, "no id")
    ]
    monkeypatch.setattr("makertasks.monitoring.task_logs.lines", lambda *_: {"lines": lines, "complete": True})
    html = browse("GET", "/tasks/of-gone/log")[1]
    assert face(ITEM, "Goggles").search(html)
    assert face(GONE, "Worn brush").search(html)
    assert html.count('class="face"') == 2


@pytest.mark.parametrize(
    "path",
    [
        f"/items/{ITEM}", "/tasks/of-item", "/tasks/of-item/log", "/tasks/of-item/retry", "/task-types",
        f"/task-types/{DOWNLOAD}", "/queues/download_image_from_url",
    ],
)  # fmt: skip
def test_pages_name_a_task_by_its_heading_and_keep_the_full_name_in_a_tooltip(failed, path):
    html = browse("GET", path)[1].replace("<wbr>", "")
    assert "Download image from URL" in html
    assert f'title="{DOWNLOAD}"' in html
    assert re.findall(r'<a [^>]*href="/task(?:s|-types)[/?][^>]*>(?:<strong>)?download_image_from_url', html) == []
    assert "download_image_from_url" not in re.search("<title>(.*?)</title>", html)[1] or path.startswith("/queues")


def test_the_audit_log_names_the_task_type_whose_limits_were_changed(failed):
    audit.record("ann", "change limits", DOWNLOAD, rate_limit="10/m")
    html = browse("GET", "/activity")[1]
    assert f'<a href="/task-types/{DOWNLOAD}" title="{DOWNLOAD}">Download image from URL</a>' in html
    assert "<td>Change limits</td>" in html


def test_the_api_has_each_task_types_heading_for_the_palette(failed):
    types = json.loads(browse("GET", "/v1/task-types")[1])["task_types"]
    titles = {each["name"]: each["title"] for each in types}
    for name, title in titles.items():
        assert f'<h1 title="{name}">{title}</h1>' in browse("GET", f"/task-types/{name}")[1]
    assert titles[DOWNLOAD] == "Download image from URL"
