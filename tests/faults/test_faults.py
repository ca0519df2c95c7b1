"""Despite crashes, duplicates, time-outs and losses, every task ends exactly once with the right status."""

from __future__ import annotations

import pytest

from tests.faults.checks import check
from tests.faults.run import run

SIZE = 100


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with run(tmp_path_factory.mktemp("faults"), SIZE) as begun:
        yield begun


def test_every_task_ends_exactly_once_despite_faults(running):
    check(running)
