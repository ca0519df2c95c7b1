"""Tasks with several attempts, recorded as the engine does; their pages show each attempt."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest

from makertasks import clock, wire
from makertasks.errors import TemporaryError
from makertasks.records import failures, lifecycle
from makertasks.records import table as records
from makertasks.records.lifecycle import Claim
from makertasks.records.states import Status
from tests.browser.history import DOWNLOAD, wire_id


def write(task_id: str, created: datetime, name: str = DOWNLOAD) -> str:
    """Create a task that was retried twice with growing delays, lost its worker, and was taken over by another."""
    kwargs = {"item_id": wire_id(random.Random(task_id)), "image_url": "https://cdn.example/a.webp"}
    message = wire.Message(task_id=task_id, name=name, args=[], kwargs=kwargs, root_id=task_id)
    queue = name.rpartition(".")[2]
    record = records.new(message, queue=queue, created=created, requested_by="item change")
    slow, busy = "did not respond within 5 s", "answered 503 Service Unavailable"
    tries = [(0.8, 5.1, "RETRY", slow), (12, 1.3, "RETRY", busy), (31, 62, "CRASHED", "")]
    record.attempts, now = [], created
    for number, (waited, ran, how, why) in enumerate(tries, 1):
        start = now + timedelta(seconds=waited)
        now, worker = start + timedelta(seconds=ran), f"{queue}@0000000{number}"
        said = (
            f"TemporaryError: https://cdn.example/a.webp {why}"
            if why
            else f"{worker} was lost (crash, time-out or out of memory)"
        )
        record.attempts.append(
            {"start": clock.text(start), "end": clock.text(now), "worker": worker, "outcome": how, "error": said}
        )
    started, record.runtime = now + timedelta(milliseconds=20), 6.4
    record.attempt, record.worker = 4, f"{queue}@00000004"
    record.started, record.done = clock.text(started), clock.text(started + timedelta(seconds=record.runtime))
    status, error = Status.FAILURE, _caught()
    record.status, record.status_key = status.value, records.status_key(task_id, status, record.created)
    record.error_type, record.error_message = type(error).__name__, str(error)
    record.fingerprint = failures.fingerprint(name, record.error_type, record.error_message)
    result = records.meta(record, status, error=error)
    record.result = result.replace(__file__.encode(), f"/var/task/{queue}/handler.py".encode())
    record.save()
    return task_id


def await_next(task_id: str, name: str = DOWNLOAD) -> str:
    """Create a task whose first attempt failed temporarily; the second one starts in an hour."""
    queue, now = name.rpartition(".")[2], clock.now()
    message = wire.Message(task_id=task_id, name=name, kwargs={"item_id": wire_id(random.Random(task_id))})
    claimed = lifecycle.claim(records.new(message, queue=queue), f"{queue}@00000001", now.timestamp() + 60)
    assert isinstance(claimed, Claim)
    assert lifecycle.retry(claimed, _caught(), now + timedelta(hours=1))
    return task_id


def _fetch() -> None:
    raise TemporaryError("https://cdn.example/a.webp did not respond within 5 s")


def _caught() -> TemporaryError:
    """Return an error with a traceback, as functions record it."""
    with pytest.raises(TemporaryError) as caught:
        _fetch()
    return caught.value
