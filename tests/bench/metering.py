"""Counts the requests that this process sends to AWS, and the capacity units that DynamoDB charges for them.

Write units are those that DynamoDB reports. Read units follow AWS's rule from the size of each response, because the
local AWS reports the same figure for every read: one unit per 4 KB, half for an eventually consistent read.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from typing import Any

WRITES = ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems")
S3_PUTS = ("PutObject", "CopyObject", "ListObjectsV2")  # S3 charges listing at the price of writing


@dataclass
class Requests:
    """The requests sent since the last `clear`."""

    sent: Counter[str] = field(default_factory=Counter)  # by service and operation: "dynamodb.Scan"
    read_units: float = 0.0
    write_units: float = 0.0

    def attach(self, *clients: Any) -> None:
        """Watch these clients."""
        for client in clients:
            client.meta.events.register("before-send", self._sent)
            client.meta.events.register("provide-client-params.dynamodb", self._ask)
            client.meta.events.register("after-call.dynamodb", self._answered)

    def clear(self) -> None:
        """Reset all counts."""
        self.sent, self.read_units, self.write_units = Counter(), 0.0, 0.0

    def units(self) -> dict[str, float]:
        """Billed units, by their names in infra/costs.py."""
        s3 = {name: number for name, number in self.sent.items() if name.startswith("s3.")}
        puts = sum(number for name, number in s3.items() if name.removeprefix("s3.") in S3_PUTS)
        return {
            "read_unit": self.read_units,
            "write_unit": self.write_units,
            "s3_put": puts,
            "s3_get": sum(s3.values()) - puts,
            "sqs_request": sum(number for name, number in self.sent.items() if name.startswith("sqs.")),
        }

    def _sent(self, event_name: str, **_: Any) -> None:
        self.sent[event_name.removeprefix("before-send.")] += 1

    def _ask(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> dict[str, Any] | None:
        context["makertasks"] = params
        return {**params, "ReturnConsumedCapacity": "TOTAL"} if model.name in WRITES else None

    def _answered(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.name in WRITES:
            consumed = parsed.get("ConsumedCapacity", [])
            for each in consumed if isinstance(consumed, list) else [consumed]:
                self.write_units += each["CapacityUnits"]
        else:
            self.read_units += read_units(model.name, context.pop("makertasks"), parsed)


def read_units(operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> float:
    """Read units of a request: per item for gets, per page for queries and scans."""
    if operation in ("Scan", "Query"):
        found = sum(item_bytes(item) for item in answer.get("Items", []))
        return _units(found, consistent=asked.get("ConsistentRead", False))
    if operation == "GetItem":
        return _units(item_bytes(answer.get("Item", {})), consistent=asked.get("ConsistentRead", False))
    if operation == "BatchGetItem":
        total = 0.0
        for table, wanted in asked["RequestItems"].items():
            found = answer["Responses"].get(table, [])
            consistent = wanted.get("ConsistentRead", False)
            absent = len(wanted["Keys"]) - len(found)
            total += absent * _units(1, consistent=consistent)
            total += sum(_units(item_bytes(item), consistent=consistent) for item in found)
        return total
    return 0.0  # DescribeTable is free


def _units(size: int, *, consistent: bool) -> float:
    units = max(ceil(size / 4096), 1)
    return units if consistent else units / 2


def item_bytes(item: dict[str, Any]) -> int:
    """An item's size as DynamoDB counts it: names and values in UTF-8, without small overheads."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return len(content.strip("-").replace(".", "")) // 2 + 2
        case "M":
            return 3 + sum(1 + len(name) + _value_bytes(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
    return 1
