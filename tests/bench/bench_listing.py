"""A list of 25 tasks from the HTTP API, warm, on the local stack: 100,000 tasks in 30 days compared with 1,000.

Two stacks are measured alternately, so that other load affects both. In both, an item has 25 tasks and an environment
100: more traffic means more environments, but none lives longer. The table also shows what a list reads from DynamoDB
(index entries and records), which does not depend on the machine. The last row queries an item with every 40th task,
2,500 of 100,000: it reads the same amount; its time has no limit, because the local DynamoDB sorts a whole
partition for each query, which AWS does not.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from infra.local import trial
from infra.local.connection import read_settings
from infra.local.stack import LocalStack, local_stack
from tests.bench import bench_pages
from tests.bench.figures import Figure
from tests.template import ROOT
from tests.waiting import wait_for

FEW, MANY = 1_000, 100_000
DAYS = 30
ROUNDS = 15
BOUND = 1.5
# For each page, each order and each search of the last day.
PAGE_MILLISECONDS = 300
NAMES = [f"inventory.tasks.{name}" for name in ("generate_qr_code", "generate_index_card", "download_image_from_url")]
# Limit for entries read. A full hour's list is merged from those of its names, each read to a page's length, where an
# hour of the small stack has one task or none; and a rare status reads the counters of whole days.
MOST_ENTRIES = len(NAMES)
OF_ONE_ITEM = 25
OF_ONE_WORKER = 100
REVOKED = 10
# Every 40th task, whatever the size.
BUSY_ITEM = str(uuid.UUID(int=2**100))
ITEM, WORKER = str(uuid.UUID(int=7)), "generate_qr_code@00000003"


def queries(now: datetime) -> dict[str, dict[str, str]]:
    """The queries: the API's parameters by their label in the table."""
    middle = (now - timedelta(days=DAYS / 2)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "no filter": {},
        "status SUCCESS": {"status": "SUCCESS"},
        "status FAILURE, every 20th": {"status": "FAILURE"},
        f"status REVOKED, {REVOKED} in all": {"status": "REVOKED"},
        "name": {"name": NAMES[0]},
        "created, up to the middle": {"created_to": middle},
        "created, from the middle on": {"created_from": middle},
        f"item, {OF_ONE_ITEM} tasks": {"item_id": ITEM},
        f"worker, {OF_ONE_WORKER} tasks": {"worker": WORKER},
        "search for an item": {"q": f"item:{ITEM}"},
        "search in errors": {"q": 'status:FAILURE error:"answered 404"'},
    }


@dataclass
class Bench:
    """A stack with a number of tasks, and what its lists read."""

    stack: LocalStack
    tasks: int
    read: Counter[str] = field(default_factory=Counter)

    def ask(self, query: dict[str, str]) -> tuple[float, int]:
        """Seconds of one API request, and the number of rows."""
        began = time.perf_counter()
        answer = self.stack.api.get("/v1/tasks", limit=25, **query)
        return time.perf_counter() - began, len(answer["tasks"])

    def entries(self, query: dict[str, str]) -> int:
        """The number of index entries and records that the same list reads from DynamoDB."""
        from makertasks import tasks  # noqa: PLC0415 - reads the environment set here
        from makertasks.monitoring import listing, recent  # noqa: PLC0415 - reads the environment set here
        from makertasks.monitoring.counters import cells as counters  # noqa: PLC0415 - reads the environment set here
        from makertasks.records import table as records  # noqa: PLC0415 - reads the environment set here
        from makertasks.records.model import TaskRecord  # noqa: PLC0415

        with _environment(self.stack):
            for model in (TaskRecord, counters.CounterCell):
                model._connection = None  # of the other stack
            records.connect()
            counters.connect()
            recent.forget()  # both stacks have the same tasks
            self.read.clear()
            models = (TaskRecord, counters.CounterCell)
            clients = [model._get_connection().connection.client for model in models]
            for client in {id(each): each for each in clients}.values():
                for operation in ("Query", "BatchGetItem"):
                    client.meta.events.register(
                        f"after-call.dynamodb.{operation}", self._count, f"count {operation} {id(self)}"
                    )
            listing.page(listing.Filter(**query), limit=25, names=list(tasks.discover()))
        return self.read["entries"]

    def _count(self, parsed: dict[str, Any], **_: Any) -> None:
        records_read = sum(map(len, parsed.get("Responses", {}).values()))
        self.read["entries"] += parsed.get("ScannedCount", 0) + records_read
        self.read["requests"] += 1


def rows() -> Iterator[Figure]:
    """Everything this module measures; takes about three minutes, most of it to write 100,000 tasks."""
    with ExitStack() as stacks:
        benches = [
            Bench(stacks.enter_context(local_stack(Path(stacks.enter_context(tempfile.TemporaryDirectory())))), tasks)
            for tasks in (FEW, MANY)
        ]
        now = datetime.now().astimezone()
        for bench in benches:
            fill(bench, now)
        for what, query in queries(now).items():
            yield from compare(what, query, *benches)
        yield from compare("item of every 40th task", {"item_id": BUSY_ITEM}, *benches, bound=None)
        yield from sorted_and_searched(benches[1], now)
        yield from pages(benches[1])


def sorted_and_searched(bench: Bench, now: datetime) -> Iterator[Figure]:
    """The list's page in its orders, and its searches of the last day, with 100,000 tasks; warm."""
    since = (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    searches = ("id:ffff", f"item:{ITEM}", 'error:"answered 404"', "error:nowhere", "args:nowhere")
    asked = {f"search {q} of the last day": f"/tasks?{urlencode({'q': q, 'created_from': since})}" for q in searches}
    asked |= {f"sorted by {column}": f"/tasks?sort={column}" for column in ("created", "-done", "-runtime")}
    for what, page in asked.items():
        yield served(bench, what, page)


def pages(bench: Bench) -> Iterator[Figure]:
    """Every page of the dashboard with 100,000 tasks and the sample inventory; warm."""
    trial.import_sample(bench.stack)
    wait_for(lambda: not unfinished(bench), "the sample's images, QR codes and cards")
    item = bench.stack.api.get("/v1/items", limit=1)["items"][0]["id"]
    task = bench.stack.api.get("/v1/tasks", limit=1)["tasks"][0]["id"]
    for page in bench_pages.PAGES:
        yield served(bench, page, page, item=item, task=task)


def unfinished(bench: Bench) -> list[Any]:
    """The tasks that run or wait, beside which nothing can be measured."""
    return [
        task for status in ("PENDING", "STARTED") for task in bench.stack.api.get("/v1/tasks", status=status)["tasks"]
    ]


def served(bench: Bench, what: str, page: str, **ids: str) -> Figure:
    """How long a page takes in the median."""
    seconds, _ = bench_pages.medians(bench.stack.api, page, [], ROUNDS, **ids)
    return Figure(f"{what}: page with {bench.tasks:,} tasks", seconds * 1000, "ms (median)", PAGE_MILLISECONDS)


def compare(what: str, query: dict[str, str], few: Bench, many: Bench, bound: float | None = BOUND) -> Iterator[Figure]:
    """One query on both stacks, alternately: median milliseconds, their ratio, and entries read."""
    taken: dict[int, list[float]] = {few.tasks: [], many.tasks: []}
    shown = {}
    for turn, bench in itertools.product(range(ROUNDS + 2), (few, many)):
        seconds, shown[bench.tasks] = bench.ask(query)
        if turn > 1:  # the first two rounds warm up
            taken[bench.tasks].append(seconds)
    slow, fast = statistics.median(taken[many.tasks]), statistics.median(taken[few.tasks])
    read = {bench.tasks: bench.entries(query) for bench in (few, many)}
    for bench, median in ((few, fast), (many, slow)):
        beside = f"{what}: {bench.tasks:,} tasks, {shown[bench.tasks]} rows, {read[bench.tasks]} entries read"
        yield Figure(beside, median * 1000, "ms (median)", None)
    yield Figure(f"{what}: time, many tasks : few tasks", slow / fast, "×", bound)
    yield Figure(f"{what}: entries read, many tasks : few tasks", read[many.tasks] / read[few.tasks], "×", MOST_ENTRIES)


def fill(bench: Bench, now: datetime) -> None:
    """Write the tasks and their counters straight into the tables; the stream's function would take an hour."""
    stack = bench.stack
    functions = stack.client("lambda")
    found = functions.list_event_source_mappings(FunctionName=f"{stack.name}-task_events")["EventSourceMappings"]
    for mapping in found:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])
    with _environment(stack):
        from makertasks.monitoring.counters import cells as counters  # noqa: PLC0415 - reads the environment set here

        counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        items = []
        for record in _records(bench.tasks, now):
            for place in counters.places_of(record.name, record.created):
                counts[place][record.status] += 1
            items.append(record.serialize())
        cells = [
            counters.CounterCell(*place, counts=dict(found)).serialize() | {"version": {"N": "1"}}
            for place, found in counts.items()
        ]
        cells += [
            counters.CounterCell("months", month).serialize() | {"version": {"N": "1"}}
            for month in {period for period, _ in counts if len(period) == len("2026-11")}
        ]
    _write(stack, stack.outputs["TasksTableName"], items)
    _write(stack, stack.outputs["CountersTableName"], cells)


def _write(stack: LocalStack, table: str, items: list[dict[str, Any]]) -> None:
    dynamodb = stack.client("dynamodb")

    def write(start: int) -> None:
        part = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        answer = dynamodb.batch_write_item(RequestItems={table: part})
        assert not answer["UnprocessedItems"]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(0, len(items), 25)))


def _records(tasks: int, now: datetime) -> Iterator[Any]:
    """Finished tasks spread evenly over the days, random but the same in every run."""
    from makertasks import wire  # noqa: PLC0415 - reads the environment set by the caller
    from makertasks.errors import PermanentError  # noqa: PLC0415
    from makertasks.records import table as records  # noqa: PLC0415 - reads the environment set by the caller
    from makertasks.records.states import Status  # noqa: PLC0415

    chance = random.Random(5)
    revoked = set(chance.sample(range(tasks), REVOKED))
    error = PermanentError("https://shop.example/drill.jpg answered 404")
    for number in range(tasks):
        created = now - timedelta(days=DAYS) * (number + 0.5) / tasks - timedelta(minutes=5)
        status = Status.REVOKED if number in revoked else Status.FAILURE if number % 20 == 0 else Status.SUCCESS
        item = BUSY_ITEM if number % 40 == 1 else str(uuid.UUID(int=number % (tasks // OF_ONE_ITEM)))
        task_id = str(uuid.UUID(int=chance.getrandbits(128)))
        message = wire.Message(task_id, NAMES[number % 3], kwargs={"item_id": item}, root_id=task_id)
        record = records.new(message, queue=NAMES[number % 3].rpartition(".")[2], created=created, item_id=item)
        record.status, record.attempt, record.runtime = status.value, 1, 0.2
        record.status_key = records.status_key(task_id, status, record.created)
        record.worker = f"{record.queue}@{number % (tasks // OF_ONE_WORKER) // 3 * 3:08x}"
        record.started = record.done = record.created
        failed = status is Status.FAILURE
        if failed:
            record.error_type, record.error_message = "PermanentError", str(error)
        record.result = records.meta(record, status, result={}, error=error if failed else None)
        yield record


def _environment(stack: LocalStack) -> Any:
    """Set this process's environment to that of the stack's API function."""
    function = stack.client("lambda").get_function_configuration(FunctionName=f"{stack.name}-api")
    variables = function["Environment"]["Variables"] | read_settings() | {"AWS_ENDPOINT_URL": stack.endpoint}
    return patch.dict(os.environ, {**variables, "LAMBDA_TASK_ROOT": str(ROOT / "functions")})
