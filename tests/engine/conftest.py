"""Fixtures of engine tests."""

import os

import pytest
from canvas_shop import shop  # noqa: F401 - a fixture
from command_line import command, worker  # noqa: F401 - fixtures
from echo_task import echo  # noqa: F401 - a fixture

from makertasks import tasks
from tests.hand_clock import time_passes  # noqa: F401 - a fixture
from tests.on_moto import (  # noqa: F401 - fixtures
    ENVIRONMENT,
    aws,
    counters_table,
    environment,
    inventory_table,
    media_bucket,
    task_queues,
    tasks_table,
)

# Parameters of tests come from the tasks; they are collected before fixtures run, even without the installed package.
os.environ.setdefault("LAMBDA_TASK_ROOT", ENVIRONMENT["LAMBDA_TASK_ROOT"])


@pytest.fixture(autouse=True)
def declared(environment):  # noqa: F811 - the fixture above
    """Import every task before a test replaces the registry; tasks imported later would be lost."""
    tasks.discover()
