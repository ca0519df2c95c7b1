"""Messages and submissions: which become a task, and what happens to the others."""

from __future__ import annotations

import json

import pytest
from echo_task import NAME

from makertasks import wire
from makertasks.errors import InvalidRequest, Unavailable, UnknownTask
from makertasks.records.states import Status
from makertasks.submission import producer


def test_a_plain_json_message_becomes_a_task_with_the_messages_id(echo):
    message_id = echo.queue.send(json.dumps({"text": "from the console"}))
    echo.queue.deliver()
    record = echo.record(message_id)
    assert (record.status, record.name, record.kwargs) == ("SUCCESS", NAME, {"text": "from the console"})


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({}, "text"), ({"text": 5}, "text"), ({"text": "a", "colour": "red"}, "colour"), ({"text": None}, "text")],
)
def test_invalid_arguments_from_a_queue_fail_at_once_naming_the_field(echo, arguments, field):
    message_id = echo.queue.send(json.dumps(arguments))
    assert echo.queue.deliver() == []
    record = echo.record(message_id)
    assert (record.status, record.error_type, record.attempt) == ("FAILURE", "InvalidArguments", 0)
    assert record.error_message.startswith(f"{field}: ")
    assert echo.calls == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({}, "kwargs.text"), ({"text": 5}, "kwargs.text"), ({"text": "a", "colour": "red"}, "kwargs.colour")],
)
def test_invalid_arguments_of_a_submission_leave_nothing_behind(echo, aws, arguments, field):
    with pytest.raises(InvalidRequest) as refused:
        producer.submit(producer.Submission(NAME, arguments))
    assert refused.value.field == field
    assert aws.client("dynamodb").scan(TableName="unit-tasks")["Count"] == 0
    assert echo.queue.count() == 0


def test_an_unknown_task_is_refused_with_a_list_of_the_known_ones(echo):
    with pytest.raises(UnknownTask, match=r"no task 'tests.nothing'; choose one of .*tests.echo"):
        producer.submit(producer.Submission("tests.nothing"))


def test_a_message_for_another_task_is_a_failure(echo):
    message = wire.Message(task_id="stray", name="tests.other")
    echo.queue.send(wire.encode(message, "unit-tasks-echo"))
    assert echo.queue.deliver() == []
    assert "accepts only tests.echo" in echo.record("stray").error_message


def test_an_unreadable_message_returns_until_it_is_a_dead_letter_and_others_run(echo):
    echo.queue.send("not a message")
    task_id = echo.submit()
    assert echo.queue.deliver() == ["not a message"]
    assert echo.record(task_id).status == Status.SUCCESS


def test_a_failed_send_is_recorded_as_a_failure_and_raises_an_error(echo):
    echo.queue.sqs.delete_queue(QueueUrl=echo.queue.url)
    with pytest.raises(Unavailable):
        echo.submit(task_id="unsent")
    record = echo.record("unsent")
    assert (record.status, record.error_type) == (Status.FAILURE, "SendFailed")


def test_the_same_id_submitted_twice_is_one_task(echo):
    assert echo.submit("first", task_id="same") == echo.submit("second", task_id="same") == "same"
    echo.queue.deliver()
    assert echo.calls == ["first"]
    assert echo.queue.count() == 0
