"""Lead times of 10,000 links from 100,000 deliveries: time and memory of the task, on the AWS at AWS_ENDPOINT_URL.

Two runs over a table of its own: the first changes every link, the second none. Each row is (what, seconds, limit in
seconds, peak MiB above the start).
The task runs in a process of its own, so that its memory is not that of whoever filled the table.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import boto3

from makertasks import inventory
from makertasks.context import Context, Continue, running
from makertasks.inventory import Entry, ItemSupplier, ReorderRequest
from tests.template import resources
from update_average_lead_times import passes

LINKS = 10_000
DELIVERIES = 100_000
LINKS_AN_ITEM = 2
MOST_SECONDS = 60.0

Row = tuple[str, float, float, float]


def _entries() -> Iterator[Entry]:
    """Links and deliveries drawn at random, the same in every run."""
    rng, today = Random(1), datetime.now(UTC)
    items = [f"item#{uuid.UUID(int=number)}" for number in range(LINKS // LINKS_AN_ITEM)]
    for number in range(LINKS):
        supplier = str(number % LINKS_AN_ITEM)
        owner = items[number // LINKS_AN_ITEM]
        yield ItemSupplier(owner, f"supplier#{number}", supplier_id=supplier, is_primary=supplier == "0")
    for number in range(DELIVERIES):
        delivered = today - timedelta(days=rng.randrange(180))
        yield ReorderRequest(
            items[number % len(items)],
            f"request#{number}",
            status="received",
            actual_delivery=delivered.date().isoformat(),
            ordered_at=(delivered - timedelta(days=rng.randrange(8, 60))).isoformat(),
            supplier_id=("0", "1", None)[number // len(items) % 3],
        )


def _fill() -> None:
    entries = list(_entries())
    parts = [entries[start : start + 500] for start in range(0, len(entries), 500)]
    inventory.connect()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(inventory.write, parts))


def _run(seconds: float) -> tuple[dict[str, Any], int]:
    """The task's result, and how many invocations of so many seconds it took."""
    state: dict[str, Any] = {}
    for invocation in range(1, 1000):
        try:
            with running(Context("bench", deadline=time.monotonic() + seconds, state=state)):
                return passes.run(), invocation
        except Continue as pause:
            state = pause.state
    raise RuntimeError("the task does not get anywhere")


def _measure(what: str, changed: int, seconds: float, answers: Any) -> None:
    """In a process of its own: run, check the result and answer a row."""
    inventory.list_items(1)  # connects
    before, started = _peak_mebibytes(), time.perf_counter()
    result, invocations = _run(seconds)
    row = (
        f"{what}, {invocations} invocation(s)",
        time.perf_counter() - started,
        MOST_SECONDS,
        _peak_mebibytes() - before,
    )
    if (result["links"]["looked_at"], result["links"]["changed"]) != (LINKS, changed):
        raise RuntimeError(f"unexpected result: {result}")
    answers.put(row)


def _peak_mebibytes() -> float:
    """This process's largest resident memory so far; Linux keeps rusage's figure across exec, so /proc is asked."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _in_own_process(*arguments: Any) -> Row:
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    process = spawn.Process(target=_measure, args=(*arguments, answers))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the measurement ended with status {process.exitcode}")
    row: Row = answers.get()
    return row


def rows() -> Iterator[Row]:
    """Fill a table, measure, and remove the table."""
    os.environ["INVENTORY_TABLE"] = table = f"bench-lead-times-{uuid.uuid4().hex[:8]}"
    dynamodb = boto3.client("dynamodb")
    properties = resources()["InventoryTable"]["Properties"]
    keys = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb.create_table(TableName=table, **{key: properties[key] for key in keys})
    try:
        _fill()
        yield _in_own_process("every link changes", LINKS, 900.0)
        yield _in_own_process("no link changes", 0, 900.0)
    finally:
        dynamodb.delete_table(TableName=table)


def main() -> int:
    """Print the rows; 1 where one is over its limit."""
    if not os.environ.get("AWS_ENDPOINT_URL"):
        print("set AWS_ENDPOINT_URL to the local AWS: this bench fills a table with 110,000 entries")  # noqa: T201
        return 1
    over = False
    print(f"Lead times: {LINKS:,} links, {DELIVERIES:,} deliveries")  # noqa: T201
    for what, seconds, limit, mebibytes in rows():
        over |= seconds > limit
        print(f"  {what:42} {seconds:7.1f} s (limit {limit:.0f} s)  peak +{mebibytes:.0f} MiB")  # noqa: T201
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
