"""The description file of a Celery application, and beat schedules as EventBridge schedules."""

from __future__ import annotations

import doctest
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from celery.schedules import BaseSchedule, crontab, schedule

from makertasks.contrib.celery import describing
from makertasks.contrib.celery.describing import NoExpression, expression

FUNCTIONS = Path(__file__).parents[1] / "stack/functions"


def test_the_shops_description_matches_its_application():
    """Runs in a separate process: shared tasks of other tests belong to every application of a process."""
    command = [sys.executable, "-m", "makertasks.contrib.celery.describing", "shop.celery:app"]
    search = os.pathsep.join([os.environ["PYTHONPATH"], str(FUNCTIONS)])
    done = subprocess.run(  # noqa: S603 - ours
        command, env={**os.environ, "PYTHONPATH": search}, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == json.loads((FUNCTIONS / "shop/application.json").read_text())


def test_an_applications_schedules_have_expressions():
    app = Celery("scheduled", broker="memory://")

    @app.task(name="scheduled.report", rate_limit="10/m", time_limit=60, max_retries=5)
    def report():
        """Writes the report.

        At night.
        """

    app.conf.timezone = "Europe/Berlin"
    app.conf.beat_schedule = {
        "nightly": {"task": "scheduled.report", "schedule": crontab(hour=3, minute=0), "args": (1,)}
    }
    described = describing.described(app)
    expected = {"purpose": "Writes the report.", "max_retries": 5, "rate_limit": "10/m", "time_limit": 60}
    assert described["tasks"]["scheduled.report"] == expected
    assert described["schedules"] == [
        {
            "name": "nightly", "task": "scheduled.report", "expression": "cron(0 3 * * ? *)",
            "timezone": "Europe/Berlin", "args": [1], "kwargs": {},
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (crontab(minute=0, hour="*/6"), "cron(0 0,6,12,18 * * ? *)"),
        (crontab(minute=30, day_of_week="sun,sat"), "cron(30 * ? * SUN,SAT *)"),
        (crontab(minute=0, hour=0, day_of_month="1", month_of_year="1,7"), "cron(0 0 1 1,7 ? *)"),
        (schedule(timedelta(hours=2)), "rate(2 hours)"),
        (timedelta(days=1), "rate(1 day)"),
        (90 * 60, "rate(90 minutes)"),
    ],
)
def test_beat_schedules_become_schedule_expressions(when, expected):
    assert expression(when) == expected


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        (30.0, "whole minutes"),
        (crontab(day_of_month="1", day_of_week="mon"), "two schedules"),
        (BaseSchedule(), "no sunsets"),
    ],
)
def test_unsupported_schedules_are_reported_with_the_reason(when, reason):
    with pytest.raises(NoExpression, match=reason):
        expression(when)


def test_unsupported_schedules_are_left_out_and_reported():
    app = Celery("left", broker="memory://")
    app.conf.beat_schedule = {
        "add-every-30-seconds": {"task": "left.add", "schedule": 30.0, "args": (16, 16)},
        "hourly": {"task": "left.add", "schedule": 3600, "options": {"expires": 60, "queue": "fast"}},
        "nightly": {"task": "left.add", "schedule": crontab(hour=3, minute=0)},
    }
    assert [each["name"] for each in describing.described(app)["schedules"]] == ["hourly", "nightly"]
    left, options = describing.left_out(app)
    assert "add-every-30-seconds" in left
    assert "whole minutes" in left
    assert "hourly" in options
    assert "expires, queue" in options


def test_examples_in_the_docstrings_of_describing_are_true():
    failed, tried = doctest.testmod(describing)
    assert (failed, tried > 0) == (0, True)
