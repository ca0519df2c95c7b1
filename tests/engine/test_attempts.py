"""A task's attempts: each is listed once, with its start, end, worker and error."""

from __future__ import annotations

from makertasks import clock, context, wire
from makertasks.control.revoking import revoke
from makertasks.errors import PermanentError, TemporaryError
from makertasks.monitoring import views as task_views
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status


def outcomes(echo, task_id):
    return [(each["outcome"], each["error"]) for each in task_views.attempts(echo.record(task_id))]


def test_each_attempt_has_start_end_worker_and_error(echo):
    echo.plan = [TemporaryError("busy")]
    task_id = echo.submit()
    [body] = echo.queue.deliver()
    assert outcomes(echo, task_id) == [("RETRY", "TemporaryError: busy")]

    echo.time_passes(minutes=1)
    message = wire.decode(body, message_id="m")
    lifecycle.claim(records.new(message, queue="echo"), "echo@lost", clock.now().timestamp() - 1)
    assert outcomes(echo, task_id) == [("RETRY", "TemporaryError: busy"), ("STARTED", None)]

    echo.queue.deliver()
    lost = "echo@lost was lost (crash, time-out or out of memory)"
    assert outcomes(echo, task_id) == [("RETRY", "TemporaryError: busy"), ("CRASHED", lost), ("SUCCESS", None)]
    times = [(each["start"], each["end"]) for each in task_views.attempts(echo.record(task_id))]
    assert all(start <= end for start, end in times)
    assert [start for start, _ in times] == sorted(start for start, _ in times)
    assert len({each["worker"] for each in task_views.attempts(echo.record(task_id))}) == 2


def test_a_lost_attempt_of_a_closed_task_is_recorded_once(echo):
    task_id = echo.submit()
    lifecycle.claim(echo.record(task_id), "echo@lost", clock.now().timestamp() - 1)
    assert lifecycle.close(echo.record(task_id), Status.FAILURE, PermanentError("given up"))
    assert [outcome for outcome, _ in outcomes(echo, task_id)] == ["CRASHED"]


def test_a_task_that_ended_while_waiting_has_only_its_earlier_attempts(echo):
    echo.plan = [TemporaryError("busy")]
    task_id = echo.submit()
    echo.queue.deliver()
    assert lifecycle.close(echo.record(task_id), Status.FAILURE, PermanentError("given up"))
    assert [outcome for outcome, _ in outcomes(echo, task_id)] == ["RETRY"]


def test_a_running_task_that_was_revoked_has_the_attempt_that_it_ended(echo):
    def work():
        revoke(task_id, terminate=True, who="ada")
        raise TemporaryError("busy")

    echo.plan = [work]
    task_id = echo.submit()
    echo.queue.deliver()
    [(outcome, error)] = outcomes(echo, task_id)
    assert outcome == "REVOKED"
    assert "ada" in error


def test_an_attempt_that_was_given_back_does_not_count(echo):
    echo.plan = [context.Continue({"next": 1})]
    task_id = echo.submit()
    echo.queue.deliver()
    assert outcomes(echo, task_id) == []
