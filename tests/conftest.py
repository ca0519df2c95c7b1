"""A run at another date and in another time zone: `pytest --at 2027-03-14T01:59:50@America/New_York …`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def pytest_addoption(parser):
    parser.addoption("--at", help="the local time at which the run starts, and its time zone: 2027-12-31T23:59:00@UTC")


def pytest_configure(config):
    """Set every clock but the monotonic one before tests are imported; they continue from there."""
    if at := config.getoption("at"):
        import time_machine  # noqa: PLC0415 - only here: the environments with a real Celery are without it

        moment, _, zone = at.partition("@")
        travel = time_machine.travel(datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)), tick=True)
        travel.start()
        config.add_cleanup(travel.stop)
