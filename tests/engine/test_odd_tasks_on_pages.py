"""Pages of tasks that are unlike most: removed code, jobs, copies of one item, errors of several lines, no result."""

from __future__ import annotations

import re
from http import HTTPStatus

import pytest
from api_calls import pool  # noqa: F401 - the fixture
from test_forms import browse
from test_names_on_pages import ITEM, failed  # noqa: F401 - a fixture
from test_refused_actions import CARD, words

from makertasks import wire
from makertasks.control import jobs
from makertasks.errors import PermanentError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters

CARDS = "inventory.tasks.generate_index_cards"
REMOVED = "shop.tasks.resize"


def record_of(task_id, name=CARD, **kwargs):
    return records.new(wire.Message(task_id, name, kwargs=kwargs), queue=name.rpartition(".")[2])


def succeeded(task_id, name, result, **kwargs):
    record = record_of(task_id, name, **kwargs)
    record.status, record.done, record.attempt = Status.SUCCESS.value, record.created, 1
    record.result = records.meta(record, Status.SUCCESS, result=result)
    record.save()


def test_a_task_whose_code_was_removed_has_no_dead_links_and_says_so(failed):  # noqa: F811
    lifecycle.close(record_of("old", REMOVED, a=1), Status.FAILURE, PermanentError("broke"))
    html = browse("GET", "/tasks/old")[1]
    assert f'href="/task-types/{REMOVED}"' not in html
    assert 'href="/queues/resize"' not in html
    assert "no longer exists, so it cannot be retried" in words(html)
    status, html, _ = browse("GET", "/tasks/old/retry")
    assert (status, "Correct the address" in html) == (HTTPStatus.CONFLICT, False)


def test_the_address_of_a_removed_task_type_leads_to_its_tasks(failed):  # noqa: F811
    lifecycle.close(record_of("old", REMOVED, a=1), Status.FAILURE, PermanentError("broke"))
    status, html, _ = browse("GET", f"/task-types/{REMOVED}")
    [link] = re.findall(r'<a href="([^"]+)"[^>]*>Tasks of this name', html)
    assert (status, link) == (HTTPStatus.NOT_FOUND, f"/tasks?name={REMOVED}")


def test_a_jobs_task_leads_to_its_outcomes_and_does_not_call_skipped_tasks_done(failed):  # noqa: F811
    result = {"action": "retry", "found": 5, "done": 5, "outcomes": {"RETRIED": 4, "REFUSED": 1}, "parts": 1}
    succeeded("a-job", jobs.TASK, result, action="retry", where={"name": CARD}, who="ann")
    said = words(browse("GET", "/tasks/a-job")[1])
    assert "Job Progress and outcomes" in said
    assert "4 of 5 retried: 1 refused" in said
    assert "Done 5" not in said


def test_copies_of_one_item_on_a_sheet_are_named_once(failed):  # noqa: F811
    record_of("copies", CARDS, item_ids=[ITEM] * 60).save()
    html = browse("GET", "/tasks/copies")[1]
    [items] = re.findall(r"<dt>Items</dt><dd>(.*?)</dd>", html)
    assert items.count("Goggles") == 1
    assert "more" not in items
    assert "60 items" in words(browse("GET", "/tasks")[1])


def test_an_error_keeps_its_lines(failed):  # noqa: F811
    lifecycle.close(record_of("lines"), Status.FAILURE, PermanentError("first\nsecond"))
    html = browse("GET", "/tasks/lines")[1]
    assert '<p dir="auto" class="message lines">first\nsecond</p>' in html


def test_a_task_without_a_result_says_so(failed):  # noqa: F811
    succeeded("nothing", CARD, None, item_id=ITEM)
    said = words(browse("GET", "/tasks/nothing")[1])
    assert "The task returned no result." in said


@pytest.mark.parametrize(("body", "again"), [("not json {", False), ('{"item_id": "x"}', True)])
def test_an_unreadable_message_is_not_offered_to_be_sent_as_it_is(failed, body, again):  # noqa: F811
    dead_letters.record(body, message_id="m", queue="generate_index_card", sent=records.clock.now())
    html = browse("GET", "/tasks/m")[1]
    assert ("Send again" in html) is again
    assert "Edit and send" in html


def test_the_log_of_a_task_that_was_revoked_before_its_start_promises_no_lines(failed, monkeypatch):  # noqa: F811
    monkeypatch.setattr("makertasks.monitoring.task_logs.lines", lambda *_: {"lines": [], "complete": True})
    lifecycle.close(record_of("revoked"), Status.REVOKED, PermanentError("revoked by ann"))
    assert "The task never started." in words(browse("GET", "/tasks/revoked/log")[1])


def test_a_job_in_the_audit_log_leads_to_the_jobs(failed, task_queues):  # noqa: F811
    form = {"action": "retry", "all": "yes", "step": "do", "name": CARD}
    assert browse("POST", "/tasks/bulk", form=form)[0] == HTTPStatus.SEE_OTHER
    assert '<a href="/jobs">tasks</a>' in browse("GET", "/activity")[1]
