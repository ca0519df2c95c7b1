"""What a site gains by installing the package next to stock Celery; run like checks.py."""

import hashlib
import time

import boto3
import pytest
from celery.exceptions import TaskRevokedError
from client import app, calculate, update_average_lead_times

SECONDS = 40


def test_a_stock_clients_revoke_reaches_a_waiting_task():
    result = calculate.apply_async(("x",), countdown=60)
    result.revoke()
    assert result.status == "REVOKED"
    with pytest.raises(TaskRevokedError, match="revoked by celery client"):
        result.get(timeout=5)


def test_revoking_many_at_once_with_a_reply():
    results = [calculate.apply_async(("x",), countdown=60) for _ in range(3)]
    [answer] = app.control.revoke([result.id for result in results], reply=True)
    assert set(answer["makertasks"].values()) == {"RECORDED"}


def test_revoking_a_finished_task_changes_nothing():
    result = calculate.delay("x")
    assert result.get(timeout=SECONDS, interval=0.1) == "x"
    result.revoke(terminate=True)
    assert result.status == "SUCCESS"


def test_a_short_delay_waits_in_the_queue():
    # given an administrator of a queue without other delayed messages
    sqs = boto3.client("sqs", aws_access_key_id="test", aws_secret_access_key="test")
    queue = app.conf.task_routes["inventory.tasks.update_average_lead_times"]["queue"]
    url = app.conf.broker_transport_options["predefined_queues"][queue]["url"]

    def delayed():
        name = "ApproximateNumberOfMessagesDelayed"
        return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])

    # when a task is delayed by three seconds
    sent = time.monotonic()
    result = update_average_lead_times.apply_async(countdown=3)

    # then the queue delays it, and it runs when it is due
    assert delayed()
    assert "links" in str(result.get(timeout=SECONDS, interval=0.1))
    assert time.monotonic() - sent >= 2.9


def test_a_long_delay_is_revoked_with_its_schedule():
    # given a task delayed by half an hour, for which a schedule was created
    scheduler = boto3.client("scheduler", aws_access_key_id="test", aws_secret_access_key="test")
    result = calculate.apply_async(("x",), countdown=1800)
    schedule = f"task-{hashlib.sha256(result.id.encode()).hexdigest()[:32]}"

    def is_scheduled():
        return schedule in {each["Name"] for each in scheduler.list_schedules()["Schedules"]}

    deadline = time.monotonic() + SECONDS
    while not is_scheduled():
        assert time.monotonic() < deadline, "no schedule was made"
        time.sleep(0.1)

    # when it is revoked, then both are deleted
    result.revoke()
    assert result.status == "REVOKED"
    assert not is_scheduled()
