"""A change that cannot be counted: Lambda discards it, and the sweep recounts its hour."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from lambda_queue import LambdaContext

from makertasks import clock, wire
from makertasks.aws import queues, streams
from makertasks.errors import Unavailable
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import counting, rebuilding, repairing
from makertasks.records import table as records
from makertasks.records.states import Status
from makertasks.worker import lost_changes
from sweeper import handler as sweeper
from tests.template import resources

NAME = "shop.tasks.one"
CREATED = clock.parse("2026-11-20T09:30:00Z")
HOUR = "2026-11-20T09"


def save(number: int, status: Status, name: str = NAME):
    record = records.new(wire.Message(task_id=f"task {number}", name=name), queue="one", created=CREATED)
    record.status, record.timestamp = status.value, int(CREATED.timestamp())
    record.save()
    return record


STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/unit-tasks/stream/2026-11-20T00:00:00.000"


class Stream:
    """The stream of the tasks table as DynamoDB has it, with one record a page; moto does not implement streams."""

    def __init__(self, *made):
        keys = ("id", "name", "created", "status")
        images = [{key: {"S": getattr(record, key)} for key in keys} for record in made]
        images.append({"name": {"S": "of another batch"}, "created": {"S": "2020-01-01T00:00:00Z"}})
        self.called = set()
        self.records = [
            {"dynamodb": {"SequenceNumber": f"{101 + place:05}", "NewImage": image}}
            for place, image in enumerate(images)
        ]

    def get_shard_iterator(self, **asked):
        self.called.add("dynamodb:GetShardIterator")
        if asked["ShardId"] != "shardId-1":
            error = {"Error": {"Code": "TrimmedDataAccessException", "Message": "gone"}}
            raise ClientError(error, "GetShardIterator")
        assert (asked["StreamArn"], asked["ShardIteratorType"]) == (STREAM, "AT_SEQUENCE_NUMBER")
        assert asked["SequenceNumber"] == "00101"
        return {"ShardIterator": "0"}

    def get_records(self, **asked):
        self.called.add("dynamodb:GetRecords")
        place = int(asked["ShardIterator"])
        return {"Records": self.records[place : place + 1], "NextShardIterator": str(place + 1)}


@pytest.fixture
def stream(monkeypatch, tasks_table, counters_table):
    """Three tasks of long ago, of which the counters have seen the first; returns Lambda's report on the other two."""
    first = save(0, Status.SUCCESS)
    change = {"name": first.name, "created": first.created, "status": first.status}
    counting.count([counting.change_of("first", None, change)])
    save(1, Status.SUCCESS)
    save(2, Status.FAILURE)
    made, client = Stream(*map(records.get, ["task 1", "task 2"])), streams.session.client
    monkeypatch.setattr(streams.session, "client", lambda name: made if name == "dynamodbstreams" else client(name))
    return batch(STREAM, "shardId-1", "00101", "00102")


def batch(arn: str, shard: str, first: str, last: str) -> str:
    """As Lambda writes it: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""
    return json.dumps({
        "requestContext": {"requestId": "316aa6d0", "functionArn": "arn:aws:lambda:…:unit-task_events:live",
                           "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 21},
        "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
        "version": "1.0", "timestamp": "2026-11-20T10:30:05.000Z",
        "DDBStreamBatchInfo": {
            "shardId": shard, "startSequenceNumber": first, "endSequenceNumber": last, "batchSize": 2,
            "approximateArrivalOfFirstRecord": "2026-11-20T09:30:00Z",
            "approximateArrivalOfLastRecord": "2026-11-20T09:30:01Z", "streamArn": arn,
        },
    })  # fmt: skip


def take(body: str) -> None:
    found = lost_changes.batch_of(body)
    assert found
    lost_changes.take(found, body, "m")


def hour_counts() -> dict[str, int]:
    return dict(counters.read(HOUR[:10], f"09#{NAME}").counts)


def test_changes_that_could_not_be_counted_are_counted_by_the_sweep(stream, time_passes):
    # given the batch that Lambda discarded
    assert hour_counts() == {"SUCCESS": 1}
    take(stream)

    # when it is too early, because the stream may lag, nothing is done
    assert lost_changes.repair(10) == 0
    assert hour_counts() == {"SUCCESS": 1}

    # when that time has passed, the hour is correct, and so are its day and the totals
    time_passes(seconds=rebuilding.BEHIND_SECONDS + 1)
    assert lost_changes.repair(10) == 1
    assert hour_counts() == {"SUCCESS": 2, "FAILURE": 1}
    assert rebuilding.rebuild(repair=False).differences == []

    # and it is done once
    assert lost_changes.repair(10) == 0


def statements(sid, node):
    """The policy statements of that name within a part of the template."""
    if isinstance(node, list):
        return [found for each in node for found in statements(sid, each)]
    if not isinstance(node, dict):
        return []
    return [node] if node.get("Sid") == sid else statements(sid, list(node.values()))


def test_the_sweep_reads_the_stream_with_exactly_its_permissions(stream):
    """The local AWS lets no role read a stream's records, so the policy is compared with the calls of the code."""
    [allowed] = statements("ReadStream", resources())

    take(stream)

    assert streams.session.client("dynamodbstreams").called == set(allowed["Action"])
    assert allowed["Resource"] == "TasksTable.StreamArn"
    # and another table's stream is not read
    another = batch(STREAM.replace("unit-tasks", "unit-inventory"), "shardId-1", "00101", "00102")
    streams.session.client("dynamodbstreams").called.clear()
    take(another)
    assert streams.session.client("dynamodbstreams").called == set()


def test_the_sweep_takes_the_batch_from_the_dead_letter_queue(stream, aws, time_passes):
    url = aws.client("sqs").create_queue(QueueName="unit-dead-letters")["QueueUrl"]
    aws.client("sqs").send_message(QueueUrl=url, MessageBody=stream)
    answer = sweeper.handler({}, LambdaContext(seconds=60))
    assert (answer["dead_letters"], answer["repaired"]) == (1, 0)
    time_passes(seconds=rebuilding.BEHIND_SECONDS + 1)
    assert sweeper.handler({}, LambdaContext(seconds=60))["repaired"] == 1
    assert queues.receive(queues.DEAD_LETTERS, wait=0) == []
    assert hour_counts() == {"SUCCESS": 2, "FAILURE": 1}


def test_an_interrupted_repair_adds_nothing_twice(stream, time_passes, monkeypatch):
    # given a repair that ends between the hour and its day
    take(stream)
    time_passes(seconds=rebuilding.BEHIND_SECONDS + 1)

    def stopped(*_args):
        raise Unavailable("stopped")

    with monkeypatch.context() as stopping:
        stopping.setattr(repairing.rolling_up, "roll_up", stopped)
        with pytest.raises(Unavailable):
            lost_changes.repair(10)
    assert hour_counts() == {"SUCCESS": 2, "FAILURE": 1}

    # then the next one completes it
    assert lost_changes.repair(10) == 1
    assert [total.counts for total in counters.cells("totals")] == [{"SUCCESS": 2, "FAILURE": 1}]
    assert rebuilding.rebuild(repair=False).differences == []


def test_an_hour_that_still_changes_is_repaired_later(stream, time_passes):
    take(stream)
    time_passes(seconds=rebuilding.BEHIND_SECONDS + 1)
    moving = records.new(wire.Message(task_id="new", name=NAME), queue="one", created=CREATED)
    moving.save()
    assert repairing.repair(NAME, HOUR) is False
    assert lost_changes.repair(10) == 0
    time_passes(seconds=rebuilding.BEHIND_SECONDS + 1)
    assert lost_changes.repair(10) == 1
    assert hour_counts() == {"SUCCESS": 2, "FAILURE": 1, "PENDING": 1}


def test_hours_of_changes_that_the_stream_no_longer_has_are_recounted(stream, time_passes):
    gone = json.loads(stream)
    gone["DDBStreamBatchInfo"]["shardId"] = "shardId-00000001-gone"
    save(3, Status.SUCCESS, "inventory.tasks.generate_qr_code")
    take(json.dumps(gone))
    time_passes(seconds=rebuilding.BEHIND_SECONDS + 1)
    assert lost_changes.repair(60) > 10  # each known task in each of the hours
    assert counters.read(HOUR[:10], "09#inventory.tasks.generate_qr_code").counts == {"SUCCESS": 1}


def test_lost_changes_of_the_inventory_are_recorded_as_a_failure(tasks_table):
    take(batch("arn:aws:dynamodb:eu-central-1:123456789012:table/unit-inventory/stream/x", "s", "1", "2"))
    record = records.get("m")
    assert (record.status, record.queue, record.error_type) == (Status.FAILURE, "item_changes", "ChangesLost")
    assert "2 changes of the inventory" in record.error_message


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"DDBStreamBatchInfo": {"shardId": "s"}}', "[" * 5_000])
def test_other_text_is_not_a_stream_batch(body):
    assert lost_changes.batch_of(body) is None
