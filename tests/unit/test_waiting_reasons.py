"""Why a waiting task waits, as its page says it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.pages import queues as queue_pages
from api.pages import waiting
from api.pages.jobs import verdict
from makertasks import clock
from makertasks.errors import NotFound
from makertasks.monitoring import queues
from makertasks.records.model import TaskRecord

LATER = clock.text(clock.now() + timedelta(days=1))
PAST = clock.text(clock.now() - timedelta(days=1))


def task(status="PENDING", **attributes):
    return TaskRecord("task-1", status=status, queue="generate_qr_code", **attributes)


@pytest.fixture
def queue(monkeypatch):
    """Sets the state of the task's queue and its recent actions."""

    def put(state="running", ahead=1, actions=()):
        found = {"name": "generate_qr_code", "state": state, "waiting": ahead}
        monkeypatch.setattr(queues, "get", lambda _name: found)
        monkeypatch.setattr(queue_pages, "done_to", lambda _name: list(actions))

    put()
    return put


@pytest.mark.parametrize("status", ["STARTED", "SUCCESS", "FAILURE", "REVOKED"])
def test_a_task_that_does_not_wait_has_no_reason(queue, status):
    assert waiting.reason(task(status)) is None


def test_a_paused_queue_is_the_reason_before_any_other_and_names_who_paused_it(queue):
    queue("paused", actions=[{"action": "pause queue", "who": "ann", "when": PAST}])
    expected = waiting.Reason("Queue paused by ann", since=PAST, paused="generate_qr_code")
    assert waiting.reason(task(eta=LATER)) == expected


def test_a_queue_paused_in_the_console_is_paused_by_nobody_known(queue):
    queue("paused")
    assert waiting.reason(task()) == waiting.Reason("Queue paused", paused="generate_qr_code")


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (task(eta=LATER), "Scheduled"),
        (task("RETRY", retry_at=LATER), "The last attempt failed; retry"),
        (task(slot=LATER), "Rate limit reached; start"),
    ],
)
def test_a_task_whose_time_has_not_come_says_when_it_comes(queue, record, text):
    assert waiting.reason(record) == waiting.Reason(text, until=LATER)


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (0, "Waiting for a worker"),
        (1, "Waiting for a worker"),
        (2, "Waiting for a worker, with about 1 other message"),
        (1500, "Waiting for a worker, with about 1,499 other messages"),
    ],
)
def test_a_due_task_waits_with_others(queue, ahead, text):
    queue(ahead=ahead)
    assert waiting.reason(task(eta=PAST)) == waiting.Reason(text)


def test_a_queue_that_is_gone_is_said_so(monkeypatch):
    def refuse(_name):
        raise NotFound("no such queue")

    monkeypatch.setattr(queues, "get", refuse)
    assert waiting.reason(task()) == waiting.Reason("Its queue no longer exists")


@pytest.mark.parametrize(
    ("job", "text"),
    [
        ({"status": "SUCCESS", "action": "retry", "found": 14, "outcomes": {"RETRIED": 14}}, ""),
        ({"status": "STARTED", "action": "retry", "found": 14, "outcomes": {"REFUSED": 14}}, ""),
        ({"status": "SUCCESS", "action": "retry", "found": 0, "outcomes": {}}, ""),
        ({"status": "SUCCESS", "action": "retry", "found": 14, "outcomes": {"REFUSED": 14}},
         "0 of 14 retried: 14 refused"),
        ({"status": "SUCCESS", "action": "revoke", "found": 3, "outcomes": {"ENDED": 1, "REVOKED": 2}},
         "2 of 3 revoked: 1 ended"),
    ],
)  # fmt: skip
def test_a_job_says_what_it_left_undone(job, text):
    assert verdict(job) == text
