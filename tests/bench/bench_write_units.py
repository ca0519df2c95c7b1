"""A task's write units over its life, as DynamoDB reports them (ReturnConsumedCapacity), on the local AWS.

The functions' code runs in this process, so that every response of DynamoDB can be counted.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from boto3.dynamodb.types import TypeDeserializer

from infra import costs
from infra.local.connection import read_settings
from infra.local.stack import LocalStack, local_stack
from tests.bench.figures import Figure
from tests.bench.metering import item_bytes
from tests.template import ROOT

QR = "inventory.tasks.generate_qr_code"
ITEM = "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"
MANY = 50  # tasks whose stream records arrive together


@dataclass
class Meter:
    """Write units by step, from DynamoDB's responses."""

    units: Counter[str] = field(default_factory=Counter)
    largest: int = 0  # bytes of the largest record that was written
    step: str = ""

    def attach(self, client: Any) -> None:
        """Watch a client's writes."""
        events = client.meta.events
        for operation in ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"):
            events.register(f"provide-client-params.dynamodb.{operation}", self._ask)
            events.register(f"after-call.dynamodb.{operation}", self._count)

    def _ask(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**params, "ReturnConsumedCapacity": "INDEXES"}

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.units[self.step] += each.get("CapacityUnits", 0)
        if "status" in parsed.get("Attributes", {}):
            self.largest = max(self.largest, item_bytes(parsed["Attributes"]))


def rows() -> Iterator[Figure]:
    """Everything this module measures; takes about ten seconds."""
    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder)) as stack, _environment(stack):
        meter = Meter()
        _silence(stack)
        _connect(meter)
        _add_item()
        yield from life(meter)
        yield from counting(stack, meter)


def life(meter: Meter) -> Iterator[Figure]:
    """PENDING, STARTED, SUCCESS of one QR code, step by step."""
    from generate_qr_code.handler import generate_qr_code  # noqa: PLC0415 - reads the environment set above
    from makertasks.records import table as records  # noqa: PLC0415

    meter.units.clear()  # of the item that was added
    task_id = _run_one(meter, generate_qr_code)
    stored = records.get(task_id)
    assert stored.status == "SUCCESS", stored.error_message
    for step, bound in (("PENDING", 4), ("STARTED", 2), ("SUCCESS", 2)):
        yield Figure(f"a QR code: {step}", meter.units[step], "write units", bound)
    yield from as_modelled("a QR code: its whole life", sum(meter.units.values()), costs.RECORD_WRITES)
    yield Figure("a QR code: maximum size of its record", meter.largest, "bytes", 1024)


def as_modelled(what: str, measured: float, model: float) -> Iterator[Figure]:
    """A figure that `infra/costs.py` uses: it may differ by 10 %."""
    yield Figure(what, measured, "write units", model * 1.1)
    yield Figure(f"{what}, at least", measured, "write units", model * 0.9, "at least")


def _run_one(meter: Meter, task: Any) -> str:
    from makertasks.records import lifecycle  # noqa: PLC0415
    from makertasks.records import table as records  # noqa: PLC0415
    from makertasks.submission import producer  # noqa: PLC0415

    meter.step = "PENDING"
    wanted = producer.Submission(QR, {"item_id": ITEM}, requested_by="somebody@example.org")
    task_id = producer.submit(wanted).task_id
    meter.step = "STARTED"
    record = records.new(records.message_of(records.get(task_id)), queue="generate_qr_code")
    claimed = lifecycle.claim(record, "generate_qr_code@1f2e3d4c", time.time() + 30)
    meter.step = "work"
    result = task.call({"item_id": ITEM})
    meter.step = "SUCCESS"
    lifecycle.succeed(claimed, result)
    del meter.units["work"]
    return task_id


def counting(stack: LocalStack, meter: Meter) -> Iterator[Figure]:
    """Write units of counting one task alone, and many together, as the stream delivers them."""
    from makertasks.monitoring.counters import counting, rolling_up  # noqa: PLC0415
    from makertasks.submission import producer  # noqa: PLC0415

    whole_life = sum(meter.units.values())
    changes = list(_changes(stack))
    meter.units.clear()
    meter.step = "alone"
    counting.count(changes)
    yield from as_modelled("counting a task alone", meter.units["alone"], costs.COUNTING)
    yield Figure("a task's life, including counting", whole_life + meter.units["alone"], "write units", 9)

    seen = len(changes)
    meter.step = "submitting"
    for _ in range(MANY):
        producer.submit(producer.Submission(QR, {"item_id": ITEM}))
    meter.step = "together"
    counting.count(list(_changes(stack))[seen:])
    yield from as_modelled(f"counting a task among {MANY}", meter.units["together"] / MANY, costs.COUNTING_TOGETHER)
    meter.step = "day"
    rolling_up.roll_up(str(changes[0].hour[:10]))
    yield Figure("rolling up the first day of a month", meter.units["day"], "write units", 5)
    largest = max(item_bytes(cell) for cell in _scan(stack, stack.outputs["CountersTableName"]))
    yield Figure("size of a counter", largest, "bytes", 1024)


def _changes(stack: LocalStack) -> Iterator[Any]:
    """The changes of the tasks table's stream, in order."""
    from makertasks.monitoring.counters import counting  # noqa: PLC0415

    streams = stack.client("dynamodbstreams")
    table = stack.client("dynamodb").describe_table(TableName=stack.outputs["TasksTableName"])["Table"]
    for shard in streams.describe_stream(StreamArn=table["LatestStreamArn"])["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(
            StreamArn=table["LatestStreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                images = record["dynamodb"]
                old, new = (_plain(images.get(name)) for name in ("OldImage", "NewImage"))
                if change := counting.change_of(record["eventID"], old, new):
                    yield change
            iterator = page.get("NextShardIterator") if page["Records"] else None


def _plain(image: dict[str, Any] | None) -> dict[str, Any] | None:
    from makertasks.aws import json_values  # noqa: PLC0415

    deserializer = TypeDeserializer()
    if not image:
        return None
    return {name: json_values.from_decimal(deserializer.deserialize(value)) for name, value in image.items()}


def _scan(stack: LocalStack, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.client("dynamodb").scan(TableName=table)["Items"]
    return found


@contextmanager
def _environment(stack: LocalStack) -> Iterator[None]:
    """Set this process's environment to that of the stack's functions."""
    function = stack.client("lambda").get_function_configuration(FunctionName=f"{stack.name}-generate_qr_code")
    variables = function["Environment"]["Variables"] | read_settings() | {"AWS_ENDPOINT_URL": stack.endpoint}
    with patch.dict(os.environ, {**variables, "LAMBDA_TASK_ROOT": str(ROOT / "functions")}):
        yield


def _connect(meter: Meter) -> None:
    """Watch the clients that PynamoDB's models and the package use."""
    from makertasks.monitoring.counters import cells as counters  # noqa: PLC0415
    from makertasks.records import table as records  # noqa: PLC0415
    from makertasks.records.model import TaskRecord  # noqa: PLC0415

    records.connect()
    counters.connect()
    clients = [model._get_connection().connection.client for model in (TaskRecord, counters.CounterCell)]
    for client in {id(each): each for each in clients}.values():
        meter.attach(client)


def _silence(stack: LocalStack) -> None:
    """Stop the stack's functions from doing what is measured here."""
    functions = stack.client("lambda")
    for name in ("task_events", "generate_qr_code"):
        found = functions.list_event_source_mappings(FunctionName=f"{stack.name}-{name}")["EventSourceMappings"]
        for mapping in found:
            functions.delete_event_source_mapping(UUID=mapping["UUID"])


def _add_item() -> None:
    from makertasks.inventory import table as inventory  # noqa: PLC0415

    inventory.write([inventory.Item(f"item#{ITEM}", "item", name="Bench vice", sort_name="bench vice")])
