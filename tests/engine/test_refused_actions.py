"""What a page says when two people act on the same task, or when an action can no longer be done."""

from __future__ import annotations

import re
from http import HTTPStatus

from api_calls import pool  # noqa: F401 - the fixture
from test_forms import browse
from test_names_on_pages import ITEM, failed  # noqa: F401 - a fixture

from api.pages import task as task_page
from makertasks import wire
from makertasks.errors import PermanentError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import dead_letters

CARD = "inventory.tasks.generate_index_card"


def task(task_id, name=CARD, status=Status.PENDING):
    record = records.new(wire.Message(task_id, name, kwargs={"item_id": ITEM}), queue=name.rpartition(".")[2])
    record.save()
    if status in {Status.SUCCESS, Status.FAILURE, Status.REVOKED}:
        lifecycle.close(record, status, PermanentError("stopped"))
    elif status == Status.STARTED:
        record.status, record.attempt, record.started = status.value, 1, record.created
        record.save()
    return record


def words(html):
    main = html.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_an_action_that_came_too_late_is_refused_without_asking_for_a_correction(failed):  # noqa: F811
    task("ended", status=Status.REVOKED)
    status, html, _ = browse("POST", "/tasks/ended/run-now", form={})
    assert status == HTTPStatus.UNPROCESSABLE_ENTITY
    said = words(html)
    assert "Action not possible. This task is REVOKED and is not scheduled for a later time." in said
    assert "Please correct" not in said
    assert "Selection" not in said


def test_a_conflict_leads_to_the_current_state_because_a_reload_would_repeat_the_action(failed):  # noqa: F811
    task("ended/twice?", status=Status.REVOKED)
    status, html, _ = browse("POST", "/tasks/ended%252Ftwice%253F/revoke", form={})
    assert status == HTTPStatus.CONFLICT
    assert "Reload" not in words(html)
    [link] = re.findall(r'<a href="([^"]+)"[^>]*>Show the current state', html)
    assert "REVOKED" in words(browse("GET", link)[1])


def test_a_task_is_terminated_once_and_every_open_page_shows_by_whom(failed):  # noqa: F811
    record = task("busy", status=Status.STARTED)
    before = task_page.digest(record)
    assert "Terminate …" in browse("GET", "/tasks/busy")[1]
    browse("POST", "/tasks/busy/revoke", form={"terminate": "yes"})
    assert task_page.digest(records.get("busy")) != before
    html = browse("GET", "/tasks/busy")[1]
    assert "Terminate …" not in html
    [requested] = re.findall(r"<dt>Termination requested</dt><dd>(.*?)</dd>", html)
    assert re.search(r"<bdi>[^<]+</bdi>, <time datetime=", requested)


def test_saved_settings_do_not_repeat_the_notice_of_an_earlier_action(failed):  # noqa: F811
    task("new")
    html = browse("GET", "/tasks/new", query={"said": "submitted"})[1]
    assert "Task submitted." in html
    assert '<input type="hidden" name="back" value="/tasks/new">' in html


def test_a_retry_whose_arguments_do_not_fit_marks_their_field(failed):  # noqa: F811
    record = records.new(wire.Message("unfit", CARD, kwargs={"item_id": "x"}), queue="generate_index_card")
    lifecycle.close(record, Status.FAILURE, PermanentError("stopped"))
    html = browse("POST", "/tasks/unfit/retry", form={})[1]
    assert "Please correct the following." in words(html)
    assert 'id="m-kwargs-item_id"' in html


def test_an_error_names_the_field_as_its_form_does(failed):  # noqa: F811
    said = words(browse("POST", f"/items/{ITEM}/picture", form={"image_url": "ftp://a"})[1])
    assert "Picture URL must be a URL such as https://example.com/picture.jpg" in said
    dead_letters.record("not json {", message_id="m", queue="generate_index_card", sent=records.clock.now())
    assert "Message cannot be read as a message" in words(browse("POST", "/tasks/m/message", form={"body": "[1"})[1])
