"""The engine: records, claims and retries, with one small task for tests on moto's tables."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import pytest
from lambda_queue import LambdaContext

from makertasks import clock, context, tasks, wire
from makertasks.errors import PermanentError, TemporaryError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from makertasks.worker import handler as worker


def test_a_task_goes_from_pending_to_success(echo):
    task_id = echo.submit("hi")
    assert echo.record(task_id).status == Status.PENDING
    assert echo.result(task_id)["status"] == "PENDING"

    assert echo.queue.deliver() == []

    record = echo.record(task_id)
    assert (record.status, record.attempt, record.lease) == (Status.SUCCESS, 1, None)
    assert record.created <= record.started <= record.done
    assert record.worker.startswith("echo@")
    assert echo.result(task_id)["result"] == {"text": "hi"}
    assert echo.result(task_id)["kwargs"] == {"text": "hi"}
    assert record.ttl - clock.now() > timedelta(days=29)


def test_a_duplicate_delivery_changes_nothing(echo):
    task_id = echo.submit()
    [body] = [message["body"] for message in echo.queue.receive()]
    for _ in range(2):
        echo.queue.send(body)
        echo.queue.deliver()
    assert echo.calls == ["hello"]
    assert echo.record(task_id).attempt == 1


def test_a_permanent_error_fails_at_once_with_its_reason(echo):
    echo.plan = [PermanentError("no such shelf")]
    task_id = echo.submit()
    echo.queue.deliver()
    record = echo.record(task_id)
    assert (record.status, record.error_type, record.error_message) == (
        "FAILURE",
        "PermanentError",
        "no such shelf",
    )
    assert "no such shelf" in echo.result(task_id)["traceback"]
    assert record.ttl is None


def test_an_unexpected_error_is_a_failure_too(echo):
    echo.plan = [ZeroDivisionError("division by zero")]
    task_id = echo.submit()
    echo.queue.deliver()
    assert echo.record(task_id).error_type == "ZeroDivisionError"


def test_a_temporary_error_is_retried_and_every_attempt_recorded(echo):
    echo.plan = [TemporaryError("busy")]
    task_id = echo.submit()
    assert len(echo.queue.deliver()) == 1
    record = echo.record(task_id)
    assert (record.status, record.lease) == (Status.RETRY, None)
    assert record.retry_at

    echo.time_passes(minutes=1)
    echo.queue.deliver()
    record = echo.record(task_id)
    assert (record.status, record.attempt) == (Status.SUCCESS, 2)
    assert [attempt["outcome"] for attempt in record.attempts] == ["RETRY"]
    assert record.attempts[0]["error"] == "TemporaryError: busy"
    assert record.error_type is None


def test_a_task_fails_after_its_last_attempt(echo):
    echo.plan = [TemporaryError(f"busy {number}") for number in range(5)]
    task_id = echo.submit()
    echo.queue.deliver()
    for _ in range(2):
        echo.time_passes(minutes=1)
        echo.queue.deliver()
    record = echo.record(task_id)
    assert (record.status, record.attempt, record.error_message) == (Status.FAILURE, 3, "busy 2")
    assert len(echo.calls) == 3


def test_a_retry_does_not_start_before_its_time(echo):
    echo.plan = [TemporaryError("busy", retry_after=120)]
    task_id = echo.submit()
    [body] = echo.queue.deliver()
    wait = clock.parse(echo.record(task_id).retry_at) - clock.now()
    assert timedelta(seconds=100) < wait <= timedelta(seconds=120)
    echo.queue.send(body)
    assert echo.queue.deliver() == [body]
    assert echo.record(task_id).status == Status.RETRY
    assert len(echo.calls) == 1


def test_a_crashed_workers_task_is_taken_over_after_its_lease(echo):
    task_id = echo.submit()
    [message] = echo.queue.receive()
    decoded = wire.decode(message["body"], message_id="m")
    lost = lifecycle.claim(records.new(decoded, queue="echo"), "echo@lost", clock.now().timestamp() - 1)
    assert lost.attempt == 1

    echo.queue.send(message["body"])
    echo.queue.deliver()
    record = echo.record(task_id)
    assert (record.status, record.attempt) == (Status.SUCCESS, 2)
    assert record.attempts[0]["outcome"] == "CRASHED"
    assert record.attempts[0]["worker"] == "echo@lost"
    assert lifecycle.succeed(lost, {"late": True}) is False
    assert echo.result(task_id)["result"] == {"text": "hello"}


def test_a_task_with_a_valid_lease_is_left_to_its_worker(echo):
    echo.submit()
    [message] = echo.queue.receive()
    decoded = wire.decode(message["body"], message_id="m")
    lifecycle.claim(records.new(decoded, queue="echo"), "echo@other", clock.now().timestamp() + 600)
    echo.queue.send(message["body"])
    assert echo.queue.deliver() == [message["body"]]
    assert echo.calls == []


def test_lost_workers_use_up_the_attempts(echo):
    task_id = echo.submit()
    [message] = echo.queue.receive()
    decoded = wire.decode(message["body"], message_id="m")
    for number in range(3):
        lifecycle.claim(records.new(decoded, queue="echo"), f"echo@{number}", clock.now().timestamp() - 1)
    echo.queue.send(message["body"])
    echo.queue.deliver()
    record = echo.record(task_id)
    assert (record.status, record.error_type) == (Status.FAILURE, "WorkerLostError")
    assert "echo@2 was lost (crash, time-out or out of memory)" in record.error_message
    assert echo.calls == []


def test_an_expired_task_is_revoked_not_run(echo):
    task_id = echo.submit(expires=datetime.now(UTC) - timedelta(seconds=1))
    echo.queue.deliver()
    record = echo.record(task_id)
    assert record.status == Status.REVOKED
    assert "expired at" in record.error_message
    assert echo.calls == []


def test_a_direct_invocation_runs_the_task_records_it_and_returns_its_result(echo):
    answer = echo.queue.handler({"text": "direct"}, LambdaContext("request-7"))
    assert answer == {"task_id": "request-7", "status": "SUCCESS", "result": {"text": "direct"}}
    assert echo.record("request-7").requested_by == "direct invocation"


def test_a_direct_invocation_that_fails_raises_its_reason(echo):
    echo.plan = [PermanentError("no such shelf")]
    with pytest.raises(worker.TaskFailed, match="FAILURE of task request-8: PermanentError: no such shelf"):
        echo.queue.handler({"text": "direct"}, LambdaContext("request-8"))
    assert echo.record("request-8").status == Status.FAILURE


def test_a_task_that_needs_more_time_continues_without_using_an_attempt(echo):
    # given a task that pauses with a state before it finishes
    seen = []

    def pause():
        seen.append(context.current().state)
        raise context.Continue({"next": 7})

    def finish():
        seen.append(context.current().state)
        return {"ok": True}

    echo.plan = [pause, finish]
    task_id = echo.submit()
    # when it pauses, then it waits with its state and has used no attempt
    assert len(echo.queue.deliver()) == 1
    record = echo.record(task_id)
    assert (record.status, record.attempt, record.state) == (Status.RETRY, 0, '{"next":7}')

    # when it is delivered again, then it continues from that state
    echo.time_passes(minutes=1)
    echo.queue.deliver()
    assert seen == [{}, {"next": 7}]
    record = echo.record(task_id)
    assert (record.status, record.attempt, record.state) == (Status.SUCCESS, 1, None)


def test_a_saved_state_survives_a_crash(echo):
    def crash():
        context.current().save({"next": 3})
        raise KeyboardInterrupt  # escapes the handler, as the end of a process does

    seen = []
    echo.plan = [crash, lambda: seen.append(context.current().state)]
    task_id = echo.submit()
    [message] = echo.queue.receive()
    with pytest.raises(KeyboardInterrupt):
        echo.queue.handler({"Records": [message]}, echo.queue.context)
    echo.record(task_id).update(actions=[TaskRecord.lease.set(0)])  # its time has passed
    echo.queue.send(message["body"])
    echo.queue.deliver()
    assert seen == [{"next": 3}]


def test_progress_is_on_the_record_and_terminate_ends_the_task(echo):
    def work():
        context.current().checkpoint(1, 2)
        progress.append(echo.record(task_id).progress)
        assert lifecycle.ask_to_terminate(task_id, "ada")
        context.current().checkpoint(2, 2)
        raise AssertionError("not reached")

    progress = []
    echo.plan = [work]
    task_id = echo.submit()
    echo.queue.deliver()
    record = echo.record(task_id)
    assert progress == [{"done": 1, "total": 2}]
    assert record.status == Status.REVOKED
    assert "terminated by ada" in record.error_message


def run_out_of_time():
    signal.setitimer(signal.ITIMER_REAL, 0.01)  # the limit's timer, as if most of its time had passed
    while True:
        pass


def test_time_limits_say_which_limit_it_was(echo):
    echo.plan = [run_out_of_time]
    task_id = echo.submit()
    echo.queue.deliver()
    record = echo.record(task_id)
    assert (record.status, record.error_type) == (Status.FAILURE, "TimeLimitExceeded")
    assert "the remainder of the function's time-out" in record.error_message


def test_a_task_whose_time_was_used_up_by_others_is_retried(echo):
    echo.plan = [lambda: None, run_out_of_time]
    first, second = echo.submit(), echo.submit()
    assert len(echo.queue.deliver()) == 1
    waiting = next(record for record in map(echo.record, (first, second)) if record.status == Status.RETRY)
    assert "part of which earlier messages of the batch had used" in waiting.attempts[0]["error"]
    echo.time_passes(minutes=1)
    echo.queue.deliver()
    assert {echo.record(first).status, echo.record(second).status} == {Status.SUCCESS}


def test_a_time_limit_above_lambdas_is_refused_in_the_definition():
    with pytest.raises(tasks.InvalidDefinition, match="a time limit of 1800 s cannot be kept: AWS Lambda"):
        tasks.Task("tests.long", lambda: None, time_limit=30 * 60)


def test_unavailable_tables_lose_no_message(echo, aws):
    echo.submit()
    aws.client("dynamodb").delete_table(TableName="unit-tasks")
    assert len(echo.queue.deliver()) == 1
    assert echo.calls == []
    assert echo.queue.count() == 1
