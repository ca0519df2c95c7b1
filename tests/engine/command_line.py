"""Commands that run in the test's process, and a worker."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from lambda_queue import Queue

from makertasks.cli import application
from makertasks.client import configuration
from makertasks.inventory import table as inventory
from makertasks.inventory.model import Item

ITEM = str(uuid4())


@pytest.fixture
def worker(aws, tasks_table, inventory_table, counters_table, media_bucket, task_queues, monkeypatch, tmp_path):
    """The stack's tables, bucket and queues with one item, and the QR code worker."""
    monkeypatch.setenv("MAKERTASKS_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    configuration.load.cache_clear()
    inventory.connect()
    Item(f"item#{ITEM}", "item", name="Drill", listing="item", sort_name="drill").save()
    from generate_qr_code.handler import handler  # noqa: PLC0415 - its environment is there now

    yield Queue(aws.client("sqs"), "unit-tasks-generate_qr_code", handler)
    configuration.load.cache_clear()


@pytest.fixture
def command(worker, capsys):
    """Run a command; returns its exit code, standard output and standard error."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            application.run(list(arguments))
        printed = capsys.readouterr()
        return end.value.code or 0, printed.out, printed.err

    return run


def qr(item_id=ITEM):
    return ("call", "generate_qr_code", "--kwargs", json.dumps({"item_id": item_id}))
