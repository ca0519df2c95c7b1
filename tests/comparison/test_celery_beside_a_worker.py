"""The same application on Lambda and with a stock worker: a stock client observes only the documented differences.

The worker has a queue and a table of its own on the same local AWS. The behaviours are in celery_client/behaviours.py,
the differences in docs/celery.md. `ONLY`, a regular expression, narrows the behaviours; `RUNS` is how often groups
within groups of a chain run.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from infra.local.stack import LocalStack, local_stack
from tests import shells
from tests.stack.extra import FUNCTIONS, ROOT, project_with, with_layer
from tests.stack.test_stock_celery import CLIENT, run

PYTHON = str(ROOT / ".local/celery-newest/bin/python")
STOCK = "stock-shop"  # queue and table of the worker
HEADING = "### Compared with a stock worker"
# Maximum duration of one side's observations. An idle machine needs a tenth.
SECONDS = 900
RUNS = int(os.environ.get("RUNS", "10"))  # of nested groups


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack with the application, without stream consumers, which the comparison does not need."""
    folder = tmp_path_factory.mktemp("beside")
    template = with_layer(project_with(folder, "shop"), "celery", "shop")
    with local_stack(folder / "aws", template=template) as stack:
        functions = stack.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if ":dynamodb:" in mapping["EventSourceArn"]:
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        yield stack


@pytest.fixture(scope="module")
def seen(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the client observes of each behaviour, on both sides."""
    here, worker = of_function(stack), of_worker(stack)
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with stock_worker(worker, log), ThreadPoolExecutor(2) as both:
        observed = {side: both.submit(observe, env) for side, env in (("here", here), ("worker", worker))}
        return {side: found.result() for side, found in observed.items()}


def of_function(stack: LocalStack) -> dict[str, str]:
    queue = f"{stack.name}-tasks-shop"
    url = stack.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    return environment(stack, queue, url, stack.outputs["TasksTableName"])


def of_worker(stack: LocalStack) -> dict[str, str]:
    """A queue and a table for a stock worker."""
    url = stack.client("sqs").create_queue(QueueName=STOCK, Attributes={"VisibilityTimeout": "1800"})["QueueUrl"]
    stack.client("dynamodb").create_table(
        TableName=STOCK,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    return environment(stack, STOCK, url, STOCK)


def environment(stack: LocalStack, queue: str, url: str, table: str) -> dict[str, str]:
    return {
        **shells.shell(stack.endpoint),
        "QUEUE": queue,
        "QUEUE_URL": url,
        "TABLE": table,
        "SECONDS": str(SECONDS),
        "PYTHONPATH": os.pathsep.join([str(FUNCTIONS), str(CLIENT)]),
        **({"ONLY": os.environ["ONLY"]} if "ONLY" in os.environ else {}),
    }


OPTIONS = (
    "-A", "beside:app", "worker", "-c", "4", "-O", "fair", "-Q", STOCK,
    "--without-mingle", "--without-gossip", "--without-heartbeat",
)  # fmt: skip


@contextmanager
def stock_worker(environment: dict[str, str], log: Path) -> Iterator[None]:
    """A worker that is restarted as by a supervisor, because an unknown task in a chord sometimes stops it."""
    over = Event()
    running: list[subprocess.Popen[bytes]] = []

    def supervise() -> None:
        with log.open("w") as file:
            while not over.is_set():
                command = [PYTHON, "-m", "celery", *OPTIONS]
                running[:] = [subprocess.Popen(command, cwd=CLIENT, env=environment, stdout=file, stderr=file)]  # noqa: S603
                running[0].wait()

    with ThreadPoolExecutor(1) as supervisor:
        supervisor.submit(supervise)
        try:
            yield
        finally:
            over.set()
            for worker in running:
                worker.terminate()
                try:
                    worker.wait(30)
                except subprocess.TimeoutExpired:  # it waits for tasks with a distant eta
                    worker.kill()


def observe(environment: dict[str, str], program: str = "observing.py") -> dict[str, Any]:
    done = run([PYTHON, program], environment, CLIENT)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stderr)  # noqa: T201 - how long each step took, shown where the test fails
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def listed() -> list[tuple[str, set[str]]]:
    """Patterns of the behaviours that differ according to docs/celery.md, and their fields."""
    section = (ROOT / "docs/celery.md").read_text().partition(HEADING)[2].partition("\n##")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    quoted = [[re.findall(r"`([^`]+)`", cell) for cell in row[1:3]] for row in rows]
    return [(pattern, set(fields)) for patterns, fields in quoted for pattern in patterns]


def allowed(name: str) -> set[str]:
    return {field for pattern, fields in listed() if fnmatch(name, pattern) for field in fields}


def different(seen: dict[str, dict[str, Any]], name: str) -> dict[str, tuple[Any, Any]]:
    """Undocumented differences between both sides: the worker's value and ours, by path."""
    here, worker = (dict(leaves(seen[side][name])) for side in ("here", "worker"))
    return {
        path: (worker.get(path, "absent"), here.get(path, "absent"))
        for path in sorted({*here, *worker})
        if here.get(path, "absent") != worker.get(path, "absent") and not allowed(name) & set(path.split("/"))
    }


def test_a_stock_client_observes_the_same_as_with_a_stock_worker(seen):
    assert seen["worker"].keys() == seen["here"].keys() != set(), "ONLY matches no behaviour"
    lines = [
        f"{name}{path}: worker {worker!r}, here {here!r}"
        for name in seen["worker"]
        for path, (worker, here) in different(seen, name).items()
    ]
    assert not lines, "\n".join(lines)


def test_every_documented_difference_differs(seen):
    differing = [name for name in seen["worker"] if seen["here"][name] != seen["worker"][name]]
    assert [pattern for pattern in compared(seen) if not any(fnmatch(name, pattern) for name in differing)] == []


def compared(seen: dict[str, dict[str, Any]]) -> list[str]:
    """The documented patterns; with ONLY, those of behaviours that ran."""
    patterns = [pattern for pattern, _ in listed()]
    if "ONLY" not in os.environ:
        return patterns
    return [pattern for pattern in patterns if any(fnmatch(name, pattern) for name in seen["worker"])]


def test_nested_groups_in_a_chain_always_end(stack):
    """A part that waits for its chord's other parts must not block their messages (`BatchSize`)."""
    found = observe(of_function(stack) | {"RUNS": str(RUNS)}, "nesting.py")
    assert found == {"SUCCESS [3, 2, 6, 5, 4]": RUNS}  # in Celery's flattening order


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}/{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, f"{path}/{number}")
    else:
        yield path, value
