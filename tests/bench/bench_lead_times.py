"""Lead times of 10,000 links from 100,000 deliveries on the local AWS: seconds and memory of the task.

Two runs on a separate table: the first changes every link, the second none. The task runs in a separate process,
so that its memory excludes that of filling the table.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

from infra.local.connection import read_settings
from infra.local.ministack import MiniStack
from makertasks.context import Context, Continue, running
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Entry, ItemSupplier, ReorderRequest
from tests.bench.figures import Figure
from tests.template import resources
from update_average_lead_times import passes

LINKS = 10_000
DELIVERIES = 100_000
LINKS_AN_ITEM = 2
MOST_SECONDS = 60.0
MOST_MEBIBYTES = 256.0  # a quarter of the function's memory
TABLE = "bench-lead-times"


class Run(NamedTuple):
    """One run of the task: wall-clock seconds, invocations, and peak MiB above its start."""

    seconds: float
    invocations: int
    mebibytes: float


def rows() -> Iterator[Figure]:
    """Fill a table and measure; takes about three minutes."""
    with tempfile.TemporaryDirectory() as folder, MiniStack(Path(folder)) as aws:
        table = {"INVENTORY_TABLE": TABLE, "AWS_ENDPOINT_URL": aws.endpoint}
        with patch.dict(os.environ, read_settings() | table):
            properties = resources()["InventoryTable"]["Properties"]
            keys = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
            aws.connection.client("dynamodb").create_table(TableName=TABLE, **{key: properties[key] for key in keys})
            _fill()
            for what, changed in (("every link changes", LINKS), ("no link changes", 0)):
                run = _in_own_process(changed)
                about = f"{LINKS:,} links, {DELIVERIES:,} deliveries, {what}"
                yield Figure(f"{about}, {run.invocations} invocation(s)", run.seconds, "s", MOST_SECONDS)
                yield Figure(f"{about}, memory", run.mebibytes, "MiB above the start", MOST_MEBIBYTES)


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


def _in_own_process(changed: int) -> Run:
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    process = spawn.Process(target=_measure, args=(changed, answers))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the measurement exited with status {process.exitcode}")
    run: Run = answers.get()
    return run


def _measure(changed: int, answers: Any) -> None:
    """Run the task in a separate process, check its result and send back the measurements."""
    inventory.list_items(1)  # connects
    before, started = _peak_mebibytes(), time.perf_counter()
    result, invocations = _run(900.0)
    run = Run(time.perf_counter() - started, invocations, _peak_mebibytes() - before)
    if (result["links"]["looked_at"], result["links"]["changed"]) != (LINKS, changed):
        raise RuntimeError(f"unexpected result: {result}")
    answers.put(run)


def _run(seconds: float) -> tuple[dict[str, Any], int]:
    """The task's result, and the number of invocations of this many seconds that it took."""
    state: dict[str, Any] = {}
    for invocation in range(1, 1000):
        try:
            with running(Context("bench", deadline=time.monotonic() + seconds, state=state)):
                return passes.run(), invocation
        except Continue as pause:
            state = pause.state
    raise RuntimeError("the task makes no progress")


def _peak_mebibytes() -> float:
    """This process's peak resident memory; read from /proc, because Linux keeps rusage's figure across exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
