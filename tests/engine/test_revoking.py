"""Revoking tasks: PENDING and RETRY at once, even if in flight; a running one at its next checkpoint."""

from __future__ import annotations

import pytest

from makertasks import clock, context, wire
from makertasks.control.revoking import Revocation, revoke
from makertasks.errors import TemporaryError
from makertasks.records import lifecycle
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker.attempt import Terminated


def test_a_waiting_task_is_revoked_at_once_and_its_message_dropped(echo):
    task_id = echo.submit()
    assert revoke(task_id, who="ada") is Revocation.REVOKED

    record = echo.record(task_id)
    assert (record.status, record.error_message) == (Status.REVOKED, "revoked by ada")
    assert echo.result(task_id)["result"] == {
        "exc_type": "TaskRevokedError",
        "exc_message": ["revoked by ada"],
        "exc_module": "celery.exceptions",
    }
    assert echo.queue.deliver() == []
    assert echo.calls == []


def test_a_task_waiting_for_its_retry_is_revoked_at_once(echo):
    echo.plan = [TemporaryError("busy")]
    task_id = echo.submit()
    [body] = echo.queue.deliver()
    assert revoke(task_id) is Revocation.REVOKED
    echo.queue.send(body)
    assert echo.queue.deliver() == []
    assert echo.calls == ["hello"]


def test_a_task_without_record_is_revoked_before_its_message_arrives(echo):
    assert revoke("early", who="ada") is Revocation.RECORDED
    echo.queue.send(wire.encode(wire.Message(task_id="early", name="tests.echo", kwargs={"text": "a"}), "echo"))
    assert echo.queue.deliver() == []
    assert echo.calls == []
    assert echo.record("early").status == Status.REVOKED


def test_a_running_task_ends_at_its_next_checkpoint_only_if_requested(echo):
    def work():
        answers.append(revoke(task_id, who="ada"))
        context.current().checkpoint(2, 2)
        answers.append(revoke(task_id, terminate=True, who="ada"))
        context.current().checkpoint(2, 2)
        raise AssertionError("not reached")

    answers: list = []
    echo.plan = [work]
    task_id = echo.submit()
    echo.queue.deliver()
    assert answers == [Revocation.RUNNING, Revocation.TERMINATING]
    assert echo.record(task_id).status == Status.REVOKED


@pytest.mark.parametrize("ending", [TemporaryError("busy"), context.Continue({"next": 1})])
def test_a_task_that_was_asked_to_terminate_is_not_tried_again(echo, ending):
    def work():
        revoke(task_id, terminate=True, who="ada")
        raise ending

    echo.plan = [work]
    task_id = echo.submit()
    assert echo.queue.deliver() == []
    assert echo.record(task_id).status == Status.REVOKED


def test_a_task_whose_worker_was_lost_is_revoked_at_once(echo):
    task_id = echo.submit()
    lost = lifecycle.claim(echo.record(task_id), "echo@lost", clock.now().timestamp() - 1)
    assert revoke(task_id) is Revocation.REVOKED
    assert echo.record(task_id).attempts[0]["outcome"] == "CRASHED"
    assert lifecycle.succeed(lost, {"late": True}) is False


def test_a_terminated_task_whose_worker_is_lost_is_not_taken_over(echo):
    task_id = echo.submit()
    lifecycle.claim(echo.record(task_id), "echo@lost", clock.now().timestamp() + 600)
    assert revoke(task_id, terminate=True, who="ada") is Revocation.TERMINATING
    echo.record(task_id).update(actions=[TaskRecord.lease.set(0)])
    assert echo.queue.deliver() == []
    record = echo.record(task_id)
    assert (record.status, record.error_type) == (Status.REVOKED, Terminated.__name__)
    assert echo.calls == []


def test_revoking_a_finished_task_changes_nothing(echo):
    task_id = echo.submit()
    echo.queue.deliver()
    assert revoke(task_id, terminate=True) is Revocation.ENDED
    assert echo.record(task_id).status == Status.SUCCESS
