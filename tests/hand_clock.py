"""A clock that a test moves forward, so that no outcome depends on the machine's speed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine


@pytest.fixture
def time_passes():
    """Takes timedelta's arguments and moves every clock but the monotonic one forward, including moto's queues."""
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield lambda **duration: traveller.shift(timedelta(**duration))
