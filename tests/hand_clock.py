"""A clock that a test moves forward by hand, so that no outcome depends on how fast the machine is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine


@pytest.fixture
def time_passes():
    """Call it with timedelta's arguments: every clock but the monotonic one goes forward, moto's queues included."""
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield lambda **duration: traveller.shift(timedelta(**duration))
