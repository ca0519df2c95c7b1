"""The reasons why a task waits, as its page shows them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.pages import queues as queue_pages
from api.pages import verdicts, waiting
from makertasks import clock
from makertasks.errors import NotFound
from makertasks.monitoring import queues
from makertasks.records.model import TaskRecord
from makertasks.worker import task_limits

LATER = clock.text(clock.now() + timedelta(days=1))
WAY = ("generate_qr_code", "/queues/generate_qr_code")
PAST = clock.text(clock.now() - timedelta(days=1))


def task(status="PENDING", **attributes):
    return TaskRecord("task-1", status=status, queue="generate_qr_code", **attributes)


@pytest.fixture
def queue(monkeypatch):
    """Sets the state of the task's queue and its recent actions."""

    def put(state="running", ahead=1, actions=(), running=0):
        found = {"name": "generate_qr_code", "state": state, "waiting": ahead}
        found |= {"maximum_concurrency": 5, "in_flight": running}
        monkeypatch.setattr(queues, "get", lambda _name: found)
        monkeypatch.setattr(queue_pages, "done_to", lambda _name: list(actions))

    put()
    return put


@pytest.mark.parametrize("status", ["STARTED", "SUCCESS", "FAILURE", "REVOKED"])
def test_a_task_that_does_not_wait_has_no_reason(queue, status):
    assert waiting.reason(task(status)) is None


def test_a_paused_queue_takes_precedence_over_other_reasons_and_names_who_paused_it(queue):
    queue("paused", actions=[{"action": "pause queue", "who": "ann", "when": PAST}])
    expected = waiting.Reason("Queue paused by ann at", since=PAST, paused="generate_qr_code", way=WAY)
    assert waiting.reason(task(eta=LATER)) == expected


def test_a_queue_paused_in_the_aws_console_has_no_known_user(queue):
    queue("paused")
    assert waiting.reason(task()) == waiting.Reason("Queue paused", paused="generate_qr_code", way=WAY)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (task(eta=LATER), "Scheduled for"),
        (task("RETRY", retry_at=LATER), "The last attempt failed; next attempt at"),
    ],
)
def test_a_scheduled_task_shows_its_time_and_can_run_now(queue, record, text):
    assert waiting.reason(record) == waiting.Reason(text, until=LATER, can_run_now=True)


def test_a_task_delayed_by_its_rate_limit_links_to_the_limit(queue):
    expected = waiting.Reason("Rate limit reached; starts at", until=LATER, way=("Limits", "/task-types/a.qr"))
    assert waiting.reason(task(slot=LATER, name="a.qr")) == expected


def test_a_task_with_a_rate_limit_may_wait_for_it_without_a_reserved_time(queue, monkeypatch):
    monkeypatch.setattr(task_limits, "of", lambda _task: task_limits.Limits("2/h", None, None))
    name = "inventory.tasks.generate_qr_code"
    text = "Waiting for a worker, or for the rate limit of 2/h"
    assert waiting.reason(task(name=name)) == waiting.Reason(text, way=("Limits", f"/task-types/{name}"))


def test_a_queue_at_its_maximum_concurrency_is_reported_as_having_no_capacity(queue):
    queue(ahead=4, running=5)
    text = "No capacity: the maximum of 5 tasks of this queue is running, with about 3 other messages"
    assert waiting.reason(task()) == waiting.Reason(text, way=WAY)


@pytest.mark.parametrize(
    ("ahead", "text"),
    [
        (0, "Waiting for a worker"),
        (1, "Waiting for a worker"),
        (2, "Waiting for a worker, with about 1 other message"),
        (1500, "Waiting for a worker, with about 1,499 other messages"),
    ],
)
def test_a_due_task_waits_behind_other_tasks(queue, ahead, text):
    queue(ahead=ahead)
    assert waiting.reason(task(eta=PAST)) == waiting.Reason(text, way=WAY)


def test_a_deleted_queue_is_reported_as_deleted(monkeypatch):
    def refuse(_name):
        raise NotFound("no such queue")

    monkeypatch.setattr(queues, "get", refuse)
    assert waiting.reason(task()) == waiting.Reason("The task's queue no longer exists")


@pytest.mark.parametrize(
    ("job", "text"),
    [
        ({"status": "SUCCESS", "action": "retry", "found": 14, "outcomes": {"RETRIED": 14}}, ""),
        ({"status": "STARTED", "action": "retry", "found": 14, "outcomes": {"REFUSED": 14}}, ""),
        ({"status": "SUCCESS", "action": "retry", "found": 0, "outcomes": {}},
         "No matching tasks: nothing was retried"),
        ({"status": "SUCCESS", "action": "cleanup", "found": 0, "outcomes": {}}, ""),
        ({"status": "SUCCESS", "action": "purge", "found": 0, "outcomes": {}}, ""),
        ({"status": "SUCCESS", "action": "retry", "found": 14, "outcomes": {"REFUSED": 14}},
         "0 of 14 retried: 14 refused"),
        ({"status": "SUCCESS", "action": "revoke", "found": 3, "outcomes": {"ENDED": 1, "REVOKED": 2}},
         "2 of 3 revoked: 1 ended"),
    ],
)  # fmt: skip
def test_a_job_reports_what_it_did_not_finish(job, text):
    assert verdicts.of_job(job) == text
