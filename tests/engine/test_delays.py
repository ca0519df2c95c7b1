"""Countdown, ETA and expiry: delayed by the queue up to 15 minutes, by a schedule beyond."""

from __future__ import annotations

from datetime import timedelta

import pytest
from echo_task import NAME

from makertasks import clock, wire
from makertasks.control import run_now
from makertasks.control.revoking import Revocation, revoke
from makertasks.errors import InvalidRequest, TemporaryError
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.submission import delays


@pytest.fixture
def schedules(aws):
    """EventBridge Scheduler with the stack's group."""
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name=delays.group())
    return lambda: [
        scheduler.get_schedule(GroupName=delays.group(), Name=found["Name"])
        for found in scheduler.list_schedules(GroupName=delays.group())["Schedules"]
    ]


def visible(echo):
    return int(
        echo.queue.sqs.get_queue_attributes(QueueUrl=echo.queue.url, AttributeNames=["ApproximateNumberOfMessages"])[
            "Attributes"
        ]["ApproximateNumberOfMessages"]
    )


def test_a_short_countdown_uses_the_queues_delay(echo, schedules):
    task_id = echo.submit(countdown=60)
    assert (echo.queue.count(), visible(echo), schedules()) == (1, 0, [])
    record = echo.record(task_id)
    assert record.status == Status.PENDING
    wait = clock.parse(record.eta) - clock.now()
    assert timedelta(seconds=55) < wait <= timedelta(seconds=60)


def test_a_long_countdown_is_a_schedule_that_sends_the_message_and_deletes_itself(echo, schedules):
    eta = clock.now() + timedelta(days=300)
    task_id = echo.submit("later", eta=eta)
    assert echo.queue.count() == 0
    [schedule] = schedules()
    assert schedule["Name"] == delays.name_of(task_id)
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert schedule["ScheduleExpression"] == f"at({(eta - timedelta(minutes=1)).strftime('%Y-%m-%dT%H:%M:%S')})"
    assert schedule["Target"]["Arn"] == "arn:aws:sqs:us-east-1:123456789012:unit-tasks-echo"
    message = wire.decode(schedule["Target"]["Input"], message_id="m")
    assert (message.task_id, message.kwargs, message.eta) == (task_id, {"text": "later"}, eta)


@pytest.mark.parametrize("countdown", [60, 300 * 86_400], ids=["in the queue", "by a schedule"])
def test_a_scheduled_task_runs_now_once_and_its_own_message_changes_nothing(echo, schedules, countdown):
    task_id = echo.submit("early", countdown=countdown)
    body = wire.encode(records.message_of(echo.record(task_id)), "echo")
    run_now.run_now(task_id)
    assert schedules() == []
    echo.queue.deliver()
    assert (echo.calls, echo.record(task_id).status) == (["early"], Status.SUCCESS)
    echo.queue.send(body)  # as the schedule or the delayed message would have done
    echo.queue.deliver()
    assert echo.calls == ["early"]
    with pytest.raises(InvalidRequest, match="is not scheduled for a later time"):
        run_now.run_now(task_id)


def test_run_now_starts_a_retrying_tasks_next_attempt(echo):
    echo.plan = [TemporaryError("busy", retry_after=3000)]
    task_id = echo.submit("again")
    echo.queue.deliver()
    assert run_now.time_of(echo.record(task_id)) == echo.record(task_id).retry_at
    run_now.run_now(task_id)
    echo.queue.deliver()
    assert (echo.calls, echo.record(task_id).status) == (["again", "again"], Status.SUCCESS)


def test_creating_the_same_schedule_twice_makes_one(echo, schedules):
    message = wire.Message(task_id="one", name=NAME, kwargs={"text": "a"}, eta=clock.now() + timedelta(hours=1))
    delays.send("echo", message)
    delays.send("echo", message)
    assert len(schedules()) == 1


def test_a_revoked_tasks_schedule_is_deleted(echo, schedules):
    task_id = echo.submit(countdown=3600)
    assert revoke(task_id) is Revocation.REVOKED
    assert schedules() == []


def test_a_stock_clients_eta_is_recorded_and_waited_for_in_the_queue(echo, schedules):
    eta = clock.now() + timedelta(minutes=5)
    body = wire.encode(wire.Message(task_id="stock", name=NAME, kwargs={"text": "a"}, eta=eta), "echo")
    echo.queue.send(body)
    assert echo.queue.deliver() == [body]
    record = echo.record("stock")
    assert (record.status, record.eta, record.attempt) == (Status.PENDING, clock.text(eta), 0)
    assert (echo.queue.count(), visible(echo), echo.calls) == (1, 0, [])


def test_a_stock_clients_distant_eta_becomes_a_schedule(echo, schedules):
    eta = clock.now() + timedelta(days=2)
    echo.queue.send(wire.encode(wire.Message(task_id="stock", name=NAME, kwargs={"text": "a"}, eta=eta), "echo"))
    assert echo.queue.deliver() == []
    assert (echo.queue.count(), len(schedules())) == (0, 1)
    assert echo.record("stock").status == Status.PENDING


def test_a_due_message_runs_once_however_often_it_is_delivered(echo):
    due = wire.Message(task_id="due", name=NAME, kwargs={"text": "a"}, eta=clock.now() - timedelta(milliseconds=1))
    for _ in range(2):
        echo.queue.send(wire.encode(due, "echo"))
        echo.queue.deliver()
    assert echo.calls == ["a"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"eta": clock.now() + timedelta(days=400)}, "eta"),
        ({"countdown": 400 * 86_400}, "countdown"),
        ({"countdown": 1e300}, "countdown"),
        ({"countdown": 5, "eta": clock.now()}, "countdown"),
        ({"max_retries": -1}, "max_retries"),
        ({"time_limit": 1800}, "time_limit"),
        ({"soft_time_limit": -1}, "soft_time_limit"),
        ({"task_id": ""}, "task_id"),
        ({"task_id": "x" * 300}, "task_id"),
    ],
)
def test_impossible_times_are_refused_naming_the_field(echo, options, field):
    with pytest.raises(InvalidRequest) as refused:
        echo.submit(**options)
    assert refused.value.field == field
    assert echo.queue.count() == 0


def test_an_eta_at_the_maximum_of_a_year_is_accepted(echo, schedules):
    echo.submit(eta=clock.now() + timedelta(days=365))
    assert len(schedules()) == 1


def test_seconds_to_expiry_count_from_now(echo):
    task_id = echo.submit(expires=90)
    left = clock.parse(echo.record(task_id).expires) - clock.now()
    assert timedelta(seconds=85) < left <= timedelta(seconds=90)


def test_an_expired_retry_is_revoked(echo):
    echo.plan = [TemporaryError("busy")]
    task_id = echo.submit(expires=30)
    assert len(echo.queue.deliver()) == 1
    echo.time_passes(seconds=31)
    assert echo.queue.deliver() == []
    assert echo.record(task_id).status == Status.REVOKED


def test_a_running_attempt_does_not_expire(echo):
    task_id = echo.submit(expires=-1)
    [message] = echo.queue.receive()
    lifecycle.claim(echo.record(task_id), "echo@other", clock.now().timestamp() + 60)
    echo.queue.send(message["body"])
    assert echo.queue.deliver() == [message["body"]]
    assert echo.record(task_id).status == Status.STARTED
