"""Finds what tasks with the status SUCCESS left undone; pages show these in amber, not green."""

from __future__ import annotations

from typing import Any

from api.resources.jobs import Job, job_of
from makertasks.control import jobs
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

# Outcomes of tasks to which a job's action was applied; with any other outcome, a task did not change.
DONE = {"RETRIED", "REVOKED", "RECORDED", "TERMINATING", "DELETED"}
VERBS = {"retry": "retried", "delete": "deleted", "cleanup": "deleted"}


def of_job(job: Job) -> str:
    """Return what a finished job left undone, empty if nothing.

    A cleanup or a purge that finds nothing has left nothing undone.

    >>> of_job({"status": "SUCCESS", "action": "retry", "found": 14, "outcomes": {"REFUSED": 13, "GONE": 1}})
    '0 of 14 retried: 13 refused, 1 gone'
    >>> of_job({"status": "SUCCESS", "action": "retry", "found": 0, "outcomes": {}})
    'No matching tasks: nothing was retried'
    """
    done = sum(count for outcome, count in job["outcomes"].items() if outcome in DONE)
    verb = VERBS.get(job["action"], "revoked")
    if job["status"] != Status.SUCCESS:
        return ""
    if not job["found"] and job["action"] not in {"cleanup", "purge"}:
        return f"No matching tasks: nothing was {verb}"
    if done >= job["found"]:
        return ""
    others = [
        f"{count:,} {name.lower().replace('_', ' ')}" for name, count in job["outcomes"].items() if name not in DONE
    ]
    return f"{done:,} of {job['found']:,} {verb}{': ' if others else ''}{', '.join(others)}"


def of_record(record: TaskRecord) -> str:
    """Return what a job's task left undone; empty for any other task."""
    return of_job(job_of(record)) if record.name == jobs.TASK and record.status == Status.SUCCESS else ""


def nothing_changed(result: Any) -> str:
    """Return why a finished task changed nothing; empty if it changed something.

    >>> nothing_changed({"image": "a.png", "changed": False}), nothing_changed({"changed": True})
    ('The result is the same as before.', '')
    """
    if not isinstance(result, dict) or result.get("changed") is not False:
        return ""
    return str(result.get("reason") or "The result is the same as before.")
