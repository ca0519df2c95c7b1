"""The number of requests of a QR task: each costs money and waiting time."""

from __future__ import annotations

from io import StringIO
from uuid import UUID

import pytest
from lambda_queue import LambdaContext, Queue
from stopping import requests

from infra import costs
from makertasks import tasks, wire
from makertasks.inventory import table as inventory
from makertasks.records import table as records
from makertasks.submission import producer
from makertasks.submission.producer import Submission
from makertasks.worker import handler as worker_handler
from makertasks.worker import task_limits

QR = "inventory.tasks.generate_qr_code"
# START, END and REPORT of an invocation that starts no environment, as Lambda's documentation shows them.
# https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
LAMBDAS_OWN_BYTES = 66 + 52 + 145
ITEMS = [str(UUID(int=number)) for number in range(1, 11)]


@pytest.fixture
def worker(aws, tasks_table, inventory_table, media_bucket, task_queues, monkeypatch):
    """The warm QR code function, and ten items that have their codes."""
    monkeypatch.setenv("FRONTEND_URL", "https://makers.example")
    monkeypatch.setattr(task_limits, "CACHE_SECONDS", 3_600)  # no additional request on a slow machine
    inventory.write([inventory.Item(f"item#{each}", "item", name="Vice") for each in ITEMS])
    from generate_qr_code.handler import handler  # noqa: PLC0415 - its environment is there now

    queue = Queue(aws.client("sqs"), "unit-tasks-generate_qr_code", handler)
    run(queue, ITEMS)
    return queue


def run(queue, item_ids, gone=()):
    """The requests of one invocation for tasks of these items, and the tasks; some items are deleted before."""
    ids = [producer.submit(Submission(QR, {"item_id": each})).task_id for each in item_ids]
    for each in gone:
        inventory.Item(f"item#{each}", "item").delete()
    batch = queue.receive()
    assert len(batch) == len(ids)
    task_limits.of(tasks.find(QR))  # a warm function has read them within the last seconds
    with requests() as made:
        assert queue.handler({"Records": batch}, queue.context) == {"batchItemFailures": []}
    for message in batch:  # as Lambda does; a slow machine would otherwise receive them again
        queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["receiptHandle"])
    return made, ids


def test_a_warm_task_makes_four_requests(worker):
    made, _ = run(worker, ITEMS[:1])
    assert sorted(made) == ["GetItem", "PutObject", "UpdateItem", "UpdateItem"]
    assert len(made) == pytest.approx(costs.QR_CALLS, rel=0.1)


def steps_of(aws, task_id):
    """The changes of a task's record in its table's stream: submitted, started, finished."""
    key = {"id": {"S": wire.result_key(task_id)}}
    ended = aws.client("dynamodb").get_item(TableName="unit-tasks", Key=key)["Item"]
    pending, started = (
        {name: value for name, value in (ended | {"status": {"S": status}}).items() if name != "runtime"}
        for status in ("PENDING", "STARTED")
    )
    pairs = [(None, pending), (pending, started), (started, ended)]
    return [
        {"eventID": f"{number:032}", "eventName": "MODIFY", "dynamodb": {"Keys": {}, "OldImage": old, "NewImage": new}}
        for number, (old, new) in enumerate(pairs)
    ]


def test_a_task_writes_the_log_lines_that_the_model_counts(worker, aws, counters_table, capsys, monkeypatch):
    # given a task that runs alone, and the changes of its record in one batch
    from task_events.handler import handler as task_events  # noqa: PLC0415 - its environment is there now
    from task_events.handler import logger  # noqa: PLC0415

    out = StringIO()
    for handler in [*logger.handlers, *worker_handler.logger.handlers]:
        monkeypatch.setattr(handler, "stream", out)
    name = "makertasks-prod-generate_qr_code"
    arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{name}:live"
    worker.context = LambdaContext(aws_request_id=ITEMS[0], function_name=name, invoked_function_arn=arn)
    capsys.readouterr()
    _, [task_id] = run(worker, ITEMS[:1])
    task_events({"Records": steps_of(aws, task_id)}, worker.context)

    # then the model counts two lines of the task, and two of task_events with a metric
    lines = [*out.getvalue().splitlines(), *capsys.readouterr().out.splitlines()]
    assert len(lines) == 5, lines
    sizes = [len(line.encode()) for line in lines]
    assert sum(sizes[:2]) == pytest.approx(costs.LOG_BYTES, rel=0.1)
    assert sum(sizes[2:]) == pytest.approx(costs.COUNTING_LOG_BYTES, rel=0.1)
    assert pytest.approx(costs.INVOCATION_LOG_BYTES, rel=0.1) == LAMBDAS_OWN_BYTES


def test_ten_tasks_in_a_batch_read_their_items_in_one_request(worker):
    made, _ = run(worker, ITEMS)
    assert made.count("BatchGetItem") == 1
    assert "GetItem" not in made
    assert len(made) / len(ITEMS) == pytest.approx(costs.QR_CALLS_TOGETHER, rel=0.1)
    assert len(made) / len(ITEMS) <= 3.2


def test_each_message_of_a_batch_is_decoded_once(worker, monkeypatch):
    decoded, decode = [], wire.decode
    monkeypatch.setattr(wire, "decode", lambda body, **more: decoded.append(body) or decode(body, **more))
    run(worker, ITEMS)
    assert len(decoded) == len(set(decoded)) == len(ITEMS)


def test_an_items_first_qr_code_costs_the_requests_in_the_model(worker):
    inventory.update_item(ITEMS[0], qr_code=None, qr_code_digest=None)
    made, _ = run(worker, ITEMS[:1])
    assert len(made) == pytest.approx(costs.QR_CALLS + costs.ITEM_CALLS, rel=0.1), made


def test_two_tasks_of_one_item_in_a_batch_do_not_share_what_was_read(worker):
    made, ids = run(worker, [ITEMS[0], ITEMS[0]])
    assert (made.count("BatchGetItem"), made.count("GetItem")) == (1, 1), made
    assert [records.get(task_id).status for task_id in ids] == ["SUCCESS", "SUCCESS"]


def test_a_missing_item_fails_only_its_own_task(worker):
    _, ids = run(worker, ITEMS[:3], gone=ITEMS[2:3])
    assert [records.get(task_id).status for task_id in ids] == ["SUCCESS", "SUCCESS", "FAILURE"]
    assert records.get(ids[2]).error_type == "UnknownItem"


def test_cached_reads_are_discarded_after_their_batch(worker):
    run(worker, ITEMS[:3])
    made, _ = run(worker, ITEMS[:1])
    assert "GetItem" in made


@pytest.mark.parametrize(
    "body", ["not a message", wire.encode(wire.Message("bad", QR, kwargs={"item_id": "no-uuid"}), "generate_qr_code")]
)
def test_a_message_without_a_valid_item_does_not_block_the_rest_of_its_batch(worker, body):
    # given a batch of a valid message and an unreadable one, or one with an invalid argument
    task_id = producer.submit(Submission(QR, {"item_id": ITEMS[0]})).task_id
    worker.send(body)
    # when the function receives both
    worker.deliver()
    # then the valid one has its result
    assert records.get(task_id).status == "SUCCESS"


def test_an_unreadable_item_does_not_block_the_rest_of_its_batch(worker, aws):
    # given an item whose row somebody wrote with another type
    key = {"owner": {"S": f"item#{ITEMS[1]}"}, "entry": {"S": "item"}}
    broken = {**key, "kind": {"S": "item"}, "name": {"N": "7"}, "current_stock": {"S": "many"}}
    ids = [producer.submit(Submission(QR, {"item_id": each})).task_id for each in ITEMS[:2]]
    aws.client("dynamodb").put_item(TableName="unit-inventory", Item=broken)
    # when
    worker.deliver()
    # then
    assert [records.get(task_id).status for task_id in ids] == ["SUCCESS", "FAILURE"]
