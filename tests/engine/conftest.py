"""Fixtures of engine tests."""

import pytest
from canvas_shop import shop  # noqa: F401 - a fixture
from command_line import command, worker  # noqa: F401 - fixtures
from echo_task import echo  # noqa: F401 - a fixture

from makertasks import tasks
from tests.hand_clock import time_passes  # noqa: F401 - a fixture
from tests.on_moto import aws, counters_table, environment, inventory_table, media_bucket, task_queues, tasks_table  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def declared(environment):  # noqa: F811 - the fixture above
    """Import every task before a test replaces the registry; tasks imported later would be lost."""
    tasks.discover()
