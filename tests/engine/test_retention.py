"""Retention of finished tasks' records: each status has its own setting in the template."""

from __future__ import annotations

import pytest

from makertasks import clock, settings
from makertasks.control import revoking
from makertasks.errors import PermanentError
from makertasks.records.states import FINAL
from tests.template import template

DAYS = {"SUCCESS": 3, "FAILURE": 5, "REVOKED": 7}


def end_as(echo, status):
    """Finish a task with this status; return its record."""
    echo.plan = [PermanentError("no such shelf")] if status == "FAILURE" else []
    task_id = echo.submit()
    if status == "REVOKED":
        revoking.revoke(task_id)
    echo.queue.deliver()
    record = echo.record(task_id)
    assert record.status == status
    return record


@pytest.mark.parametrize("status", DAYS)
def test_each_status_has_its_own_retention(echo, counters_table, monkeypatch, status):
    for name, days in DAYS.items():
        monkeypatch.setenv(f"RETENTION_DAYS_{name}", str(days))
    kept = end_as(echo, status).ttl - clock.now()
    assert round(kept.total_seconds() / 86400) == DAYS[status]


@pytest.mark.parametrize("status", DAYS)
def test_only_its_own_setting_keeps_a_status_forever(echo, counters_table, monkeypatch, status):
    for name, days in DAYS.items():
        monkeypatch.setenv(f"RETENTION_DAYS_{name}", "0" if name == status else str(days))
    assert end_as(echo, status).ttl is None


def test_the_template_keeps_failures_longer_and_other_tasks_for_a_month(monkeypatch):
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    for status in FINAL:
        parameter = template()["Parameters"][variables[f"RETENTION_DAYS_{status}"]]
        monkeypatch.setenv(f"RETENTION_DAYS_{status}", str(parameter["Default"]))
    assert {status.value: settings.retention_days(status) for status in FINAL} == {
        "SUCCESS": 30, "REVOKED": 30, "FAILURE": None,
    }  # fmt: skip
