"""After each remedy readers are back where they were; pages show names and arguments, not ids and encodings."""

from __future__ import annotations

import json
import re

import pytest
from api_calls import pool  # noqa: F401 - the fixture
from test_forms import browse
from test_names_on_pages import DOWNLOAD, GONE, ITEM, face, fail, failed  # noqa: F401 - a fixture among them

from makertasks import wire
from makertasks.aws import bucket
from makertasks.control import jobs
from makertasks.errors import PermanentError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters

CARD, CARDS = "inventory.tasks.generate_index_card", "inventory.tasks.generate_index_cards"
QR_CODE = "inventory.tasks.generate_qr_code"


def waiting(task_id, name, **kwargs):
    record = records.new(wire.Message(task_id, name, kwargs=kwargs), queue=name.rpartition(".")[2])
    record.save()
    return record


@pytest.fixture
def paused(failed, monkeypatch):  # noqa: F811 - the fixture above
    """A task in a paused queue; returns the queues that are resumed from then on."""
    resumed = []
    state = {"name": "generate_index_cards", "state": "paused"}
    monkeypatch.setattr("makertasks.monitoring.queues.get", lambda _: state)
    monkeypatch.setattr("api.actions.resume", lambda _, queue: resumed.append(queue))
    waiting("sheet", CARDS, item_ids=[ITEM, GONE])
    return resumed


def test_resuming_a_queue_from_a_waiting_task_returns_to_that_task(paused):
    html = browse("GET", "/tasks/sheet")[1]
    [form] = re.findall(r'<form method="post" action="/queues/generate_index_cards/resume".*?</form>', html, re.DOTALL)
    assert '<input type="hidden" name="task" value="sheet">' in form
    status, _, headers = browse("POST", "/queues/generate_index_cards/resume", form={"task": "sheet"})
    assert (status, headers["Location"], paused) == (303, "/tasks/sheet?said=resumed", ["generate_index_cards"])
    assert "Queue resumed." in browse("GET", headers["Location"])[1]
    status, _, headers = browse("POST", "/queues/generate_index_cards/resume", form={})
    assert (status, headers["Location"]) == (303, "/queues/generate_index_cards?said=resumed")


def test_a_sheets_page_names_its_items(paused):
    html = browse("GET", "/tasks/sheet")[1]
    assert face(ITEM, "Goggles").search(html)
    assert "and 1 more" in html


def test_the_review_of_other_arguments_names_the_items(failed):  # noqa: F811
    form = {"step": "review", "kwargs.item_id": ITEM, "kwargs.image_url": "https://shop.example/b.png"}
    html = browse("POST", "/tasks/of-gone/retry", form=form)[1]
    assert face(ITEM, "Goggles").search(html)
    assert f"<del>{GONE}</del>" in html
    assert "<ins>https://shop.example/b.png</ins>" in html


def test_a_task_that_never_started_does_not_promise_attempts(failed, monkeypatch):  # noqa: F811
    monkeypatch.setattr("makertasks.monitoring.task_logs.lines", lambda *_: {"lines": [], "complete": True})
    html = browse("GET", "/tasks/of-gone")[1]
    assert "No attempts yet" not in html
    assert "The task never started." in html


def log_update(task_id, known):
    query = {"known": known} if known else {}
    return browse("GET", f"/tasks/{task_id}/log", query=query, headers={"hx-request": "true"})[:2]


def test_a_log_is_read_again_until_its_last_lines_have_appeared(failed, monkeypatch, time_passes):  # noqa: F811
    monkeypatch.setattr("makertasks.monitoring.task_logs.lines", lambda *_: {"lines": [], "complete": True})
    record = waiting("soon", CARD, item_id=ITEM)
    status, html = log_update("soon", "")
    assert (status, "The task has not started yet." in html, "data-live" in html) == (200, True, True)
    [known] = re.findall(r'data-digest="([^"]+)"', html)
    assert log_update("soon", known)[0] == 204
    lifecycle.close(record, Status.FAILURE, PermanentError("stopped"))
    status, html = log_update("soon", known)
    assert (status, "they can take a few seconds to appear" in html, "data-live" in html) == (200, True, True)
    time_passes(minutes=2)
    status, html = log_update("soon", known)
    assert (status, "No log lines." in html, "data-live" in html) == (200, True, False)


def test_a_message_is_edited_as_the_arguments_that_it_carries(failed, task_queues):  # noqa: F811
    message = wire.Message("letter", CARD, kwargs={"item": 7})
    dead_letters.record(wire.encode(message, "generate_index_card"), message_id="m", queue="generate_index_card",
                        sent=records.clock.now())  # fmt: skip
    html = browse("GET", "/tasks/letter/message")[1]
    [shown] = re.findall(r"<textarea[^>]*>(.*?)</textarea>", html, re.DOTALL)
    assert json.loads(shown.replace("&#34;", '"')) == {"item": 7}
    assert "{ &#34;item&#34;: 7 }" in browse("GET", "/messages")[1]
    status, _, headers = browse("POST", "/tasks/letter/message", form={"body": json.dumps({"item_id": ITEM})})
    assert (status, headers["Location"].rpartition("?")[2]) == (303, "said=sent")
    assert "The message was sent as this new task." in browse("GET", headers["Location"])[1]


def test_a_message_that_is_more_than_arguments_is_edited_as_a_whole(failed):  # noqa: F811
    message = wire.Message("letter", CARD, args=[ITEM], kwargs={"blank": 7})
    dead_letters.record(wire.encode(message, "generate_index_card"), message_id="m", queue="generate_index_card",
                        sent=records.clock.now())  # fmt: skip
    html = browse("GET", "/tasks/letter/message")[1]
    assert "content-encoding" in html


def test_filters_of_a_job_are_words(failed):  # noqa: F811
    where = {"q": 'fingerprint:"39bec2680e64"', "status": "FAILURE", "name": QR_CODE}
    message = wire.Message("a-job", jobs.TASK, kwargs={"action": "retry", "where": where, "who": "ann"})
    lifecycle.close(records.new(message, queue="bulk_action"), Status.FAILURE, PermanentError("stopped"))
    html = browse("GET", "/jobs/a-job")[1]
    assert 'with this <a href="/failures/39bec2680e64">cause of failure</a>' in html
    said = re.sub(r"<[^>]+>", "", html)
    assert "with this cause of failure · status FAILURE · task Generate QR code" in said


@pytest.mark.parametrize(
    ("path", "said"),
    [("/jobs/a-job", "among the first 2 outcomes"), ("/jobs/a-job?part=1", "in this part")],
)
def test_a_jobs_page_says_which_outcomes_its_reasons_cover(failed, path, said):  # noqa: F811
    # given a job with two parts of outcomes
    message = wire.Message("a-job", jobs.TASK, kwargs={"action": "retry", "where": {"name": QR_CODE}, "who": "ann"})
    record = records.new(message, queue="bulk_action")
    record.state = json.dumps({"found": 4, "part": 2, "outcomes": {"REFUSED": 4}})
    lifecycle.close(record, Status.FAILURE, PermanentError("stopped"))
    for part in range(2):
        refused = [{"id": f"{part}-{each}", "outcome": "REFUSED", "detail": "has not finished"} for each in range(2)]
        lines = "".join(f"{json.dumps(each)}\n" for each in refused)
        bucket.put(jobs.key_of("a-job", part), lines.encode(), "application/x-ndjson")

    # when its page is shown
    html = browse("GET", path)[1]

    # then the heading of the reasons names the outcomes that were counted
    assert f'Skipped tasks <small class="quiet">{said}</small>' in html


def test_an_optional_queue_without_a_function_is_no_warning(paused, monkeypatch):
    queue = {
        "name": "push_to_site", "task": "makertasks.push_to_site", "tasks": ["makertasks.push_to_site"], "waiting": 0,
        "in_flight": 0, "delayed": 0, "dead": 0, "oldest_seconds": None, "state": "unused", "maximum_concurrency": None,
    }  # fmt: skip
    monkeypatch.setattr("makertasks.monitoring.queues.list_queues", lambda: [queue])
    html = browse("GET", "/queues")[1]
    assert '<span class="warn">' not in html
    assert "the feature is not set up" in html


@pytest.mark.parametrize(
    ("path", "said", "expires"),
    [
        ("/nothing", "There is nothing at this address", False),
        ("/tasks/nope", "There is no task nope", True),
        ("/task-types/nope", '<p dir="auto">There is no task &#39;nope&#39;', False),
        (f"/items/{GONE}", f'<p dir="auto">The inventory has no item {GONE}', False),
    ],
)
def test_a_missing_pages_text_is_about_what_is_missing(failed, path, said, expires):  # noqa: F811
    status, html, _ = browse("GET", path)
    assert (status, said in html, "retention period" in html) == (404, True, expires)
