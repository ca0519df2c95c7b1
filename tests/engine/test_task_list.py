"""The task list's rows and live updates: what a row shows for each kind of task, and the size of updates."""

from __future__ import annotations

import gzip
import random
import re
from datetime import timedelta
from uuid import UUID

import pytest
from api_calls import pool  # noqa: F401 - the fixture
from browsing import browse

from api.pages import task_rows
from makertasks import clock, wire
from makertasks.errors import PermanentError
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status

QR = "inventory.tasks.generate_qr_code"
ROWS = 25
# Maximum size of a live update on the wire, without about 850 bytes of headers.
UPDATE_BYTES = 4_150


@pytest.fixture
def stored(tasks_table, inventory_table, counters_table, media_bucket):
    """Items with thumbnails, and a failed task of each, all with different texts."""
    chance = random.Random(7)
    items = [str(UUID(int=chance.getrandbits(128))) for _ in range(ROWS)]
    inventory.write(
        [
            Item(f"item#{each}", "item", name=f"Item {chance.getrandbits(40)}", thumbnail=f"CACHE/{each}.webp")
            for each in items
        ]
    )
    for number, each in enumerate(items):
        fail(f"task-{number:02}", each, f"no picture at https://cdn.example/{chance.getrandbits(200):x}.png")
    return items


def record_of(task_id, item_id, **attributes):
    message = wire.Message(task_id=task_id, name=QR, kwargs={"item_id": item_id})
    record = records.new(message, queue="generate_qr_code", item_id=item_id)
    for name, value in attributes.items():
        setattr(record, name, value)
    return record


def fail(task_id, item_id, text):
    lifecycle.close(record_of(task_id, item_id), Status.FAILURE, PermanentError(text))


def update(known, have):
    """The update of an open page with these rows: status, compressed size, and the HTML."""
    status, html, _ = browse("GET", "/tasks", {"known": known, "have": ".".join(have)}, headers={"hx-request": "true"})
    return status, len(gzip.compress(html.encode(), 5)), html


def test_an_update_of_all_rows_is_limited_in_size_and_completed_by_the_next(stored):
    have, known, sizes = [], "nothing", []
    for _ in range(10):
        status, size, html = update(known, have)
        if status == 204:
            break
        sizes.append(size)
        have = re.findall(r'data-v="(\w+)"', html)
        known = re.search(r'data-digest="(\w+)"', html)[1]
    assert status == 204
    assert len(have) == ROWS
    assert len(sizes) > 1
    assert max(sizes) <= UPDATE_BYTES
    assert have == re.findall(r'data-v="(\w+)"', browse("GET", "/tasks")[1])


def test_rows_already_on_a_page_are_sent_as_stubs(stored):
    page = browse("GET", "/tasks")[1]
    have = re.findall(r'data-v="(\w+)"', page)
    assert page.count("no picture at") == ROWS
    inventory.update_item(stored[3], name="Renamed")
    _, _, html = update("older", have)
    assert (html.count(" data-same>"), html.count("no picture at")) == (ROWS - 1, 1)
    assert "Renamed" in html


@pytest.mark.parametrize(
    ("attributes", "outcome", "waits"),
    [
        ({"status": "FAILURE", "error_type": "PermanentError", "error_message": "\nno\npicture"}, "no", False),
        ({"status": "FAILURE", "error_type": "PermanentError", "error_message": None}, "PermanentError", False),
        ({"status": "PENDING"}, "", False),
        ({"status": "PENDING", "eta": "2999-01-01T00:00:00.000000Z"}, "", True),
        ({"status": "RETRY", "retry_at": "2999-01-01T00:00:00.000000Z"}, "", True),
        ({"status": "RETRY", "retry_at": "2001-01-01T00:00:00.000000Z"}, "", False),
    ],
)
def test_a_row_shows_the_tasks_outcome_or_its_start_time(inventory_table, attributes, outcome, waits):
    [row] = task_rows.of([record_of("a-task", "not an id", **attributes)])
    assert (row["outcome"], bool(row["later"]), row["arguments"]) == (outcome, waits, "")
    assert (row["item"].name, row["item"].picture) == ("not an id", None)


@pytest.mark.parametrize(
    ("query", "title", "text"),
    [
        ("scheduled=true&sort=eta", "No scheduled tasks", "Tasks with a countdown or an ETA wait here"),
        ("status=RETRY&sort=retry_at", "No tasks wait for a retry", "whose last attempt failed temporarily"),
        ("status=RETRY&name=makertasks.clean_media", "No matching tasks", "Change or remove a filter."),
        ("scheduled=true&q=x", "No matching tasks", "Change or remove a filter."),
    ],
)
def test_an_empty_tab_says_what_would_be_there(stored, query, title, text):
    html = browse("GET", f"/tasks?{query}")[1]
    assert f"<strong>{title}</strong>" in html
    assert text in html


def test_a_scheduled_list_has_no_actions_for_finished_tasks_and_its_own_total(stored):
    record = record_of("later", stored[0], eta=clock.text(clock.now() + timedelta(hours=1)))
    record.save()
    html = browse("GET", "/tasks?scheduled=true&sort=eta")[1]
    assert re.search(r"<h1>Tasks <small>1</small></h1>", html)
    assert 'action="/tasks/later/run-now"' in html
    assert 'value="revoke"' in html
    assert 'value="retry"' not in html
    assert 'value="delete"' not in html
