"""Whatever crashes, repeats, hangs or is lost: every task ends once, and truthfully."""

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
