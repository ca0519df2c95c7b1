"""The write units of a task by AWS's rules, which infra/costs.py must use.

`make bench` asks the local AWS for the same figures; moto reports none, so these follow from the table's stream.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html and GSI.html#GSI.Writes
"""

from __future__ import annotations

from math import ceil

import pytest
from lambda_queue import Queue
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from stopping import requests

from infra import costs
from makertasks.inventory import table as inventory
from makertasks.monitoring.counters import counting
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.records import table as records
from makertasks.submission import producer
from makertasks.submission.producer import Submission
from tests.bench.metering import item_bytes
from tests.template import resources

QR = "inventory.tasks.generate_qr_code"
ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
INDEXES = resources()["TasksTable"]["Properties"]["GlobalSecondaryIndexes"]
TABLE_KEY = {"id"}


def units_of(old, new):
    """Write units of one change of the tasks table: the larger image, and each index whose entry changes."""
    written = ceil(max(item_bytes(old), item_bytes(new)) / 1024)
    return written + sum(index_units(index, old, new) for index in INDEXES)


def index_units(index, old, new):
    """Write units of an index: 0 for an unchanged entry, 2 for a changed key, 1 for any other change."""
    keys = {key["AttributeName"] for key in index["KeySchema"]}
    shown = keys | TABLE_KEY | set(index["Projection"].get("NonKeyAttributes", []))
    before, after = ({name: image[name] for name in shown & set(image)} for image in (old, new))
    before, after = (entry if keys <= set(entry) else {} for entry in (before, after))
    if before == after:
        return 0
    moves = before and after and any(before[key] != after[key] for key in keys)
    return 2 if moves else 1


@pytest.fixture
def changes(aws, tasks_table, inventory_table, counters_table, media_bucket, task_queues, monkeypatch):
    """The changes of the tasks table since the last call, as (event, old, new)."""
    monkeypatch.setenv("FRONTEND_URL", "https://makers.example")
    shard = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables["unit-tasks"].stream_shard
    seen = 0

    def since():
        nonlocal seen
        changed = [record.to_json() for record in shard.items[seen:]]
        seen += len(changed)
        images = [
            (each["eventID"], each["dynamodb"].get("OldImage"), each["dynamodb"].get("NewImage")) for each in changed
        ]
        return [image for image in images if "celery-task-meta-" in (image[1] or image[2])["id"]["S"]]

    return since


@pytest.fixture
def worker(aws, changes):
    """The QR code's function, and an item without a code."""
    inventory.write([inventory.Item(f"item#{ITEM}", "item", name="Bench vice")])
    from generate_qr_code.handler import handler  # noqa: PLC0415 - its environment is there now

    return Queue(aws.client("sqs"), "unit-tasks-generate_qr_code", handler)


def run(worker):
    task_id = producer.submit(Submission(QR, {"item_id": ITEM}, requested_by="somebody@example.org")).task_id
    worker.deliver()
    assert records.get(task_id).status == "SUCCESS"


def counted(changed, **more):
    found = [counting.change_of(event, plain(old), plain(new), **more) for event, old, new in changed]
    return [change for change in found if change]


def plain(image):
    """The part of an image that counting needs: its strings."""
    return {name: value["S"] for name, value in image.items() if "S" in value} if image else None


def test_a_single_qr_code_costs_what_the_model_says_and_at_most_nine_write_units(worker, changes):
    # when one task runs, and the stream delivers its changes together
    run(worker)
    changed = changes()
    steps = [units_of(old or {}, new or {}) for _, old, new in changed]
    with requests() as made:
        counting.count(counted(changed))
    # then
    cells = [name for name in made if name != "GetItem"]
    assert len(steps) == 3, steps
    assert sum(steps) == pytest.approx(costs.RECORD_WRITES, rel=0.1), steps
    assert len(cells) == pytest.approx(costs.COUNTING, rel=0.1), made
    assert sum(steps) + len(cells) <= 9


def test_each_write_of_a_tasks_record_stays_below_a_kilobyte(worker, changes):
    run(worker)
    assert max(item_bytes(new) for _, _, new in changes()) < 1024


def test_a_task_that_expires_alone_costs_what_the_model_says(worker, changes, time_passes):
    # given a task, counted, and the day in which it expires, of which one has expired already
    run(worker)
    changed = changes()
    counting.count(counted(changed))
    time_passes(days=31)
    counting.count([counting.Change("another", "2026-01-01T00", QR, {"SUCCESS": -1}, expired=True)])
    [last] = [new for _, _, new in changed if new["status"]["S"] == "SUCCESS"]
    counting.count(counted([("noted", last, None)], expired=True))
    # when one more expires
    with requests() as made:
        counting.count(counted([("expired", last, None)], expired=True))
    # then
    assert made.count("PutItem") == pytest.approx(costs.FORGETTING, rel=0.1)
    assert made.count("GetItem") == pytest.approx(costs.FORGETTING_READS, rel=0.1)
    assert len(made) == costs.FORGETTING + costs.FORGETTING_READS, made


def test_many_tasks_counted_together_cost_what_the_model_says(worker, changes):
    number = 50
    for _ in range(number):
        producer.submit(Submission(QR, {"item_id": ITEM}))
    changed = counted(changes())
    assert len(changed) == number
    with requests() as made:
        counting.count(changed)
    assert made.count("PutItem") / number == pytest.approx(costs.COUNTING_TOGETHER, rel=0.1)
    assert len(list(CounterCell.scan())) == 1
