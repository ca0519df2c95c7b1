"""The dead-letter queue: the sweep records its messages and knows which queue each came from."""

from __future__ import annotations

import json

import pytest
from echo_task import NAME
from lambda_queue import LambdaContext

from makertasks import clock, wire
from makertasks.aws import queues
from makertasks.errors import Unavailable
from makertasks.monitoring import dead_letters as open_letters
from makertasks.records import table as records
from makertasks.records import unredriven
from makertasks.records.states import Status
from makertasks.worker import dead_letters
from sweeper import handler as sweeper
from tests.template import resources


@pytest.fixture
def dead(echo, aws, counters_table):
    """The dead-letter queue; the queue of the task `echo` moves a message there after one receive."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="unit-dead-letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=echo.queue.url, Attributes={"RedrivePolicy": policy})
    echo.dead_url, echo.sqs = url, sqs
    return echo


def count(dead) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = dead.sqs.get_queue_attributes(QueueUrl=dead.dead_url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


def put_manually(dead, body: str) -> str:
    return dead.sqs.send_message(QueueUrl=dead.dead_url, MessageBody=body)["MessageId"]


def test_a_manually_sent_dead_letter_belongs_to_the_queue_of_the_task_it_names(dead):
    body = wire.encode(wire.Message("by-hand", NAME, kwargs={"text": "a"}), "echo")
    put_manually(dead, body)
    assert dead_letters.drain(10) == dead_letters.Drained(recorded=1)
    record = dead.record("by-hand")
    assert (record.status, record.error_type, record.queue) == (Status.FAILURE, "DeadLetter", "echo")
    assert unredriven.counts() == {"echo": 1}
    assert count(dead) == 0


def test_a_message_that_names_no_task_is_still_recorded(dead):
    message_id = put_manually(dead, "no message")
    assert dead_letters.drain(10).recorded == 1
    assert (dead.record(message_id).queue, dead.record(message_id).body) == (records.UNKNOWN, "no message")


def test_the_queue_and_the_deliveries_that_sqs_reports_are_recorded(dead, monkeypatch):
    # given a dead letter with the attributes that SQS adds
    found = queues._received(
        {
            "Body": "no message",
            "MessageId": "m",
            "ReceiptHandle": "-",
            "Attributes": {
                "SentTimestamp": "1795345802436",
                "DeadLetterQueueSourceArn": "arn:aws:sqs:us-east-1:123456789012:unit-tasks-echo",
                "ApproximateReceiveCount": "4",  # in both queues: three deliveries, and the sweep's receive
            },
        }
    )
    assert found.source == "echo"
    given = [[found], []]
    monkeypatch.setattr(queues, "receive", lambda *_args, **_options: given.pop(0))
    monkeypatch.setattr(queues, "delete", lambda *_args: None)
    # when the sweep records it
    dead_letters.drain(10)
    # then the record has its queue, and its deliveries without the sweep's own
    assert (dead.record("m").queue, dead.record("m").deliveries) == ("echo", 3)


def test_a_dead_letter_that_cannot_be_recorded_stays_and_does_not_block_others(dead, monkeypatch):
    bad, _ = (put_manually(dead, wire.encode(wire.Message(task_id, NAME), "echo")) for task_id in ("bad", "good"))
    record = dead_letters.record

    def refusing(body, **about):
        if about["message_id"] == bad:
            raise Unavailable("the tasks table did not respond")
        return record(body, **about)

    monkeypatch.setattr(dead_letters, "record", refusing)
    with pytest.raises(Unavailable, match="1 dead letters could not be recorded"):
        sweeper.handler({}, LambdaContext(seconds=60))
    assert dead.record("good").status == Status.FAILURE
    assert count(dead) == 1


def given_up(dead, monkeypatch, body: str, *, sent=None, queue: str = "echo") -> None:
    """Move one message to the dead-letter queue, as SQS does, for the next sweep to find."""
    letter = queues.Received(body, "m", "-", sent or clock.now(), queue)
    given = [[letter], []]
    monkeypatch.setattr(queues, "receive", lambda *_args, **_options: given.pop(0))
    monkeypatch.setattr(queues, "delete", lambda *_args: None)


class TestAMessageThatNoFunctionProcessed:
    """Lambda at its concurrency limit receives messages and returns them: SQS counts those receives, too."""

    def test_is_sent_again_and_runs(self, dead, monkeypatch):
        task_id = dead.submit()
        [message] = dead.queue.receive()
        dead.sqs.delete_message(QueueUrl=dead.queue.url, ReceiptHandle=message["receiptHandle"])
        given_up(dead, monkeypatch, message["body"])

        assert dead_letters.drain(10) == dead_letters.Drained(renewed=1)

        assert dead.record(task_id).status == Status.PENDING
        dead.queue.deliver()
        assert dead.record(task_id).status == Status.SUCCESS

    def test_of_a_stock_client_is_recorded_first(self, dead, monkeypatch):
        given_up(dead, monkeypatch, wire.encode(wire.Message("stock", NAME, kwargs={"text": "a"}), "echo"))
        assert dead_letters.drain(10).renewed == 1
        assert dead.record("stock").status == Status.PENDING
        assert dead.queue.count() == 1

    def test_fails_once_its_queue_would_have_dropped_it(self, dead, monkeypatch):
        task_id = dead.submit()
        [message] = dead.queue.receive()
        dead.time_passes(days=13)
        given_up(dead, monkeypatch, message["body"])
        assert dead_letters.drain(10).renewed == 1
        dead.time_passes(days=2)
        given_up(dead, monkeypatch, message["body"])
        assert dead_letters.drain(10) == dead_letters.Drained(recorded=1)
        assert dead.record(task_id).status == Status.FAILURE

    @pytest.mark.parametrize("body", ["no message", wire.encode(wire.Message("odd", NAME, kwargs={"no": 1}), "echo")])
    def test_is_recorded_if_no_function_could_run_it(self, dead, monkeypatch, body):
        given_up(dead, monkeypatch, body)
        assert dead_letters.drain(10) == dead_letters.Drained(recorded=1)

    def test_of_a_finished_task_is_not_sent_again(self, dead, monkeypatch):
        body = wire.encode(wire.Message("ended", NAME, kwargs={"text": "a"}), "echo")
        dead.queue.send(body)
        dead.queue.deliver()
        given_up(dead, monkeypatch, body)
        assert dead_letters.drain(10).renewed == 0
        assert dead.record("ended").status == Status.SUCCESS
        assert dead.queue.count() == 0


def test_the_renewal_ends_when_the_queue_would_have_dropped_the_message():
    retentions = {
        properties["Properties"]["MessageRetentionPeriod"]
        for properties in resources().values()
        if properties["Type"] == "AWS::SQS::Queue"
    }
    assert retentions == {dead_letters.KEPT.total_seconds()}


@pytest.mark.parametrize(("body", "shown"), [("eyJhIjogMX0=", '{"a": 1}'), ("{", "{"), ("abcd", "abcd")])
def test_a_body_in_base64_is_shown_as_its_text(body, shown):
    assert open_letters.readable(body) == shown
