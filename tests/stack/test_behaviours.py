"""Celery's behaviours, seen by a stock client: an application on Lambda beside a stock worker on the same queue.

The client runs every behaviour twice in one run: while the function consumes the queue, and while a stock worker does.
What is not the same must be listed in docs/celery.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack import LocalStack, local_stack
from tests.stack.extra import FUNCTIONS, ROOT, project_with, with_layer
from tests.stack.test_stock_celery import CLIENT, run, stack_environment

PYTHON = str(ROOT / ".local/celery-newest/bin/python")
DOCUMENT = (ROOT / "docs/celery.md").read_text()

# What differs, and the words of docs/celery.md that say so.
DIFFERENCES: dict[str, str] = {}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the client saw of the function, and of a stock worker."""
    folder = tmp_path_factory.mktemp("shop")
    template = with_layer(project_with(folder, "shop"), "celery", "shop")
    with local_stack(folder / "aws", template=template) as stack:
        environment = environment_of(stack, folder)
        ours = observed(environment)
        pause(stack)
        with stock_worker(environment, folder):
            stock = observed(environment)
    return ours, stock


def environment_of(stack: LocalStack, folder: Path) -> dict[str, str]:
    queue = f"{stack.name}-tasks-shop"
    return stack_environment(stack, folder) | {
        "QUEUE": queue,
        "QUEUE_URL": stack.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"],
        "PYTHONPATH": os.pathsep.join([str(CLIENT), str(FUNCTIONS)]),
    }


def pause(stack: LocalStack) -> None:
    client = stack.client("lambda")
    [mapping] = client.list_event_source_mappings(FunctionName=f"{stack.name}-shop")["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def observed(environment: dict[str, str]) -> dict[str, Any]:
    ran = run([PYTHON, "behaviours.py", *os.environ.get("BEHAVIOURS", "").split(",")[:-1]], environment, CLIENT)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = {}
    for line in ran.stdout.splitlines():
        found |= json.loads(line)
    return found


@contextmanager
def stock_worker(environment: dict[str, str], folder: Path) -> Iterator[None]:
    """A stock worker on the shop's queue, begun anew where a task's result or exception ends it."""
    options = ("-A", "shop_site", "worker", "-c", "4", "--without-mingle", "--without-gossip", "-l", "INFO")
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            with (folder / "worker.log").open("a") as log:
                worker = subprocess.Popen(  # noqa: S603 - what it runs is written here
                    [PYTHON, "-m", "celery", *options], cwd=CLIENT, env=environment, stdout=log, stderr=log
                )
                while worker.poll() is None and not stopped.wait(0.1):
                    pass
                worker.terminate()
                worker.wait(timeout=60)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def test_a_client_sees_the_same_of_the_function_as_of_a_stock_worker(runs: tuple[dict[str, Any], dict[str, Any]]):
    ours, stock = runs
    Path(os.environ.get("BEHAVIOURS_SEEN", os.devnull)).write_text(json.dumps({"ours": ours, "stock": stock}))
    different = {name: {"here": ours[name], "stock": stock[name]} for name in ours if ours[name] != stock[name]}
    unlisted = {name: seen for name, seen in different.items() if name not in DIFFERENCES}
    assert not unlisted, json.dumps(unlisted, indent=1, ensure_ascii=False)
    assert sorted(different) == sorted(DIFFERENCES), "the list names what does not differ"


@pytest.mark.parametrize(("name", "words"), DIFFERENCES.items())
def test_every_difference_is_in_the_document(name: str, words: str):
    assert " ".join(words.split()) in " ".join(DOCUMENT.split()), name
