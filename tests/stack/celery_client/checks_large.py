"""Results of every size: complete for a stock client if a record can hold them, else for the package's backend."""

import json
import os
from pathlib import Path

import pytest
from celery import Celery, chord
from client import calculate

SECONDS = 60
READER = "makertasks.contrib.celery.reader:Reader+"


@pytest.fixture
def reader():
    """The same client with the package's result backend."""
    settings = json.loads(Path(os.environ["CELERY_SETTINGS"]).read_text())
    app = Celery("reader")
    app.conf.update(settings | {"result_backend": READER + settings["result_backend"]})
    return app


@pytest.mark.parametrize("sizes", [(150_000, 150_000), (130_000, 130_000, 130_000)])
def test_a_result_of_up_to_390_kilobytes_is_complete(sizes, reader):
    parts = ["x" * size for size in sizes]
    result = chord([calculate.s(part) for part in parts], calculate.s()).apply_async()
    assert result.get(timeout=SECONDS, interval=0.1) == parts
    assert reader.AsyncResult(result.id).get(timeout=SECONDS) == parts


def test_a_larger_result_is_a_pointer_for_stock_clients_and_complete_for_the_reader(reader):
    parts = ["x" * 150_000] * 7
    result = chord([calculate.s(part) for part in parts], calculate.s()).apply_async()
    assert list(result.get(timeout=SECONDS, interval=0.1)) == ["makertasks_payload"]
    assert reader.AsyncResult(result.id).get(timeout=SECONDS) == parts
