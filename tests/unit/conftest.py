"""Fixtures of unit tests."""

import pytest

from tests.on_moto import aws, counters_table, environment, inventory_table, media_bucket, task_queues, tasks_table  # noqa: F401 - fixtures
from tests.unit.downloads import save_item
from tests.unit.misbehaving_server import MisbehavingServer


@pytest.fixture
def server():
    """Return a web server whose behaviour the test chooses."""
    with MisbehavingServer() as running:
        yield running


@pytest.fixture
def store(inventory_table, media_bucket):  # noqa: F811 - the fixtures
    """Return an item in moto's inventory table, with an empty media bucket."""
    return save_item()
