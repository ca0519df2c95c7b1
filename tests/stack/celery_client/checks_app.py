"""An ordinary Celery application whose worker is a Lambda function; test_celery_app.py runs this as its client."""

import json
import os
import time
import uuid
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError, NotRegistered, TaskRevokedError
from celery.result import AsyncResult
from kombu.exceptions import EncodeError
from shop.celery import (
    add,
    app,
    describe,
    divide,
    lucky,
    nothing,
    progress,
    replaced,
    replaced_slowly,
    slow,
    stubborn,
)
from shop.odd import odd

from makertasks import wire

QUEUE, URL, TABLE = os.environ["QUEUE"], os.environ["QUEUE_URL"], os.environ["TASKS_TABLE"]
SECONDS = 60
PATIENCE = 2  # the sweep's one second, and one more
app.conf.update(
    broker_url="sqs://",
    broker_transport_options={"region": "us-east-1", "predefined_queues": {QUEUE: {"url": URL}}},
    task_default_queue=QUEUE,
    result_backend=f"dynamodb://@us-east-1/{TABLE}",
    result_extended=True,
)


def get(result):
    return result.get(timeout=SECONDS, interval=0.1)


def wait_for(result, status):
    deadline = time.monotonic() + SECONDS
    while result.status != status:
        assert time.monotonic() < deadline, f"{result.id} is {result.status}"
        time.sleep(0.05)


def record(task_id):
    """Our record of a task, as stored in DynamoDB."""
    key = {"id": {"S": wire.result_key(task_id)}}
    return boto3.client("dynamodb").get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]


def test_an_applications_task_runs_and_is_recorded():
    result = add.delay(1, 2)
    assert get(result) == 3
    stored = record(result.id)
    assert (stored["status"]["S"], stored["name"]["S"], stored["queue"]["S"]) == ("SUCCESS", "shop.add", "shop")
    assert stored["worker"]["S"].startswith("shop@")
    assert "runtime" in stored


def test_a_bound_task_has_its_request():
    result = describe.apply_async(kwargs={"a": [1]}, root_id="the-root", parent_id="the-parent")
    seen = get(result)
    assert (seen["id"], seen["root"], seen["parent"]) == (result.id, "the-root", "the-parent")
    assert (seen["retries"], seen["queue"], seen["kwargs"]) == (0, QUEUE, {"a": [1]})
    assert seen["hostname"].startswith("shop@")


def test_a_failure_is_raised_with_its_type_and_traceback():
    result = divide.delay(1, 0)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        get(result)
    assert "celery.py" in result.traceback
    assert record(result.id)["error_type"]["S"] == "ZeroDivisionError"


def test_retry_tries_again_under_the_same_id():
    result = stubborn.delay(2)
    assert get(result) == 2
    stored = record(result.id)
    assert stored["attempt"]["N"] == "3"
    assert [each["M"]["outcome"]["S"] for each in stored["attempts"]["L"]] == ["RETRY", "RETRY"]


def test_retries_that_are_used_up_end_with_the_error():
    with pytest.raises(ConnectionError, match="not at 3"):
        get(stubborn.delay(9))


def test_autoretry():
    assert get(lucky.delay(1)) == "luck"
    with pytest.raises(OSError, match="no luck at 1"):
        get(lucky.delay(2))


def test_link_and_link_error():
    linked, errback_id = str(uuid.uuid4()), str(uuid.uuid4())
    assert get(add.apply_async((1, 2), link=add.s(10).set(task_id=linked))) == 3
    assert get(AsyncResult(linked, app=app)) == 13
    failed = divide.apply_async((1, 0), link_error=describe.si().set(task_id=errback_id))
    assert get(AsyncResult(errback_id, app=app))["parent"] == failed.id


def test_chain_group_and_chord():
    result = chain(add.s(1), add.s(2), add.s(3)).apply_async()
    assert get(result) == 6
    assert result.parent.children[0].id == result.id
    assert group(add.s(each) for each in range(5)).apply_async().join(timeout=SECONDS, interval=0.1) == list(range(5))
    assert get(chord([add.s(each) for each in range(5)], add.s(100)).apply_async()) == 110
    assert get(chain(add.s(1), group(add.s(1), add.s(2)), add.s()).apply_async()) == 5


def test_steps_after_a_failure_fail_too():
    result = chain(divide.s(1, 0), add.s(1)).apply_async()
    with pytest.raises(ZeroDivisionError):
        get(AsyncResult(result.id, app=app))
    body = chord([add.s(1), divide.s(1, 0)], add.s()).apply_async()
    with pytest.raises(ChordError, match="ZeroDivisionError"):
        get(AsyncResult(body.id, app=app))


def test_a_task_may_replace_itself_with_others():
    assert get(replaced.delay(10)) == 33


def test_a_slow_replacement_of_a_task_is_not_considered_lost():
    result = replaced_slowly.delay()
    wait_for(result, "RETRY")
    replaced_at = time.monotonic()
    while time.monotonic() < replaced_at + PATIENCE:
        time.sleep(0.1)
    swept = boto3.client("lambda").invoke(FunctionName=f"{os.environ['STACK_NAME']}-sweeper", Payload="{}")
    assert json.load(swept["Payload"])["requeued"] == 0
    assert result.status == "RETRY"
    assert get(result)["id"] == result.id


def test_every_task_carries_the_number_of_tasks_before_it():
    """Lambda's loop detection is off; a header limits tasks that would send others forever."""
    last = get(chain(add.s(1, 2), add.s(3), describe.si()).apply_async())
    assert last["headers"]["makertasks-generation"] == 2


def test_a_soft_time_limit_raises_celerys_exception():
    assert get(slow.delay()) == "cleaned up"


def test_a_custom_state_is_visible():
    result = progress.delay(2)
    wait_for(result, "PROGRESS")
    assert result.info == {"current": 1, "total": 2}
    assert get(result) == "done"


def test_countdown_and_expires():
    sent = time.monotonic()
    assert get(add.apply_async((1,), countdown=2)) == 1
    assert time.monotonic() - sent >= 1.9
    late = add.apply_async((1,), expires=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(TaskRevokedError, match="expired"):
        get(late)


def test_ignored_results_still_end_the_record():
    ignored, given_up = add.apply_async((1,), ignore_result=True), nothing.delay()
    wait_for(AsyncResult(ignored.id, app=app), "SUCCESS")
    wait_for(given_up, "REVOKED")


def test_an_unknown_task_fails_and_its_neighbours_run():
    unknown, neighbour = app.send_task("shop.unknown", (1,)), add.delay(1)
    with pytest.raises(NotRegistered, match=r"shop\.unknown"):
        get(unknown)
    assert get(neighbour) == 1


def test_a_result_is_complete_or_a_failure_with_the_remedy():
    for size in (300_000, 390_000):
        assert get(odd.delay("big", size)) == "x" * size
    with pytest.raises(EncodeError, match="put the data into S3"):
        get(odd.delay("big", 1_000_000))
