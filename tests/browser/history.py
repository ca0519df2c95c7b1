"""Writes a month of tasks as the engine would; the counters follow from the table's stream."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest import mock

from makertasks import clock, wire
from makertasks.errors import PermanentError, TemporaryError
from makertasks.records import failures
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status
from tests import shells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.local.stack import LocalStack

QR_CODE = "inventory.tasks.generate_qr_code"
CARD = "inventory.tasks.generate_index_card"
DOWNLOAD = "inventory.tasks.download_image_from_url"
LEAD_TIMES = "inventory.tasks.update_average_lead_times"
# Typical runtime of each task, in seconds.
USUAL = {QR_CODE: 0.3, CARD: 0.9, DOWNLOAD: 2.4, LEAD_TIMES: 0.6}
FAILURES: list[tuple[str, BaseException]] = [
    (DOWNLOAD, PermanentError("https://shop.example/p/4711.jpg answered 404 Not Found")),
    (DOWNLOAD, PermanentError("https://shop.example/p/12.jpg is text/html, no picture")),
    (DOWNLOAD, TemporaryError("https://cdn.example/a.webp did not respond within 30 s")),
]


def write(stack: LocalStack, items: Sequence[dict[str, Any]], now: datetime, tasks: int) -> None:
    """Write this number of tasks over a month, mostly recent ones, a few of them failed."""
    chance = random.Random(7)
    with environment(stack):
        ended = []
        for number in range(tasks):
            ago = timedelta(days=30) * (number / tasks) ** 3 + timedelta(minutes=9, seconds=chance.random() * 600)
            failed = chance.random() < (0.03 if ago < timedelta(hours=1) else 0.07)
            name, error = chance.choice(FAILURES) if failed else (chance.choices(list(USUAL), [5, 4, 3, 1])[0], None)
            ended.append(_record(chance, now - ago, name, error, chance.choice(items)))
        # Runtimes are counted when a task finishes, so each record is first written as STARTED.
        outcomes = [(record.status, record.status_key) for record in ended]
        for record in ended:
            record.status, record.status_key = "STARTED", records.status_key(record.task_id, Status.STARTED, "")
        _write(ended)
        for record, (status, key) in zip(ended, outcomes, strict=True):
            record.status, record.status_key = status, key
        _write(ended)


def _write(found: list[TaskRecord]) -> None:
    with records.connect().batch_write() as batch:
        for record in found:
            batch.save(record)


def _record(
    chance: random.Random, created: datetime, name: str, error: BaseException | None, item: dict[str, Any]
) -> TaskRecord:
    kwargs = {} if name == LEAD_TIMES else {"item_id": item["id"]}
    if name == DOWNLOAD:
        kwargs["image_url"] = f"https://shop.example/p/{chance.randrange(9999)}.jpg"
    task_id = str(wire_id(chance))
    short = name.rpartition(".")[2]
    message = wire.Message(task_id=task_id, name=name, args=[], kwargs=kwargs, root_id=task_id)
    record = records.new(
        message, queue=short, item_id=kwargs.get("item_id"), created=created, requested_by="item change"
    )
    status = Status.FAILURE if error else Status.SUCCESS
    record.status, record.attempt = status.value, 1
    record.status_key = records.status_key(task_id, status, record.created)
    record.worker = f"{short}@{chance.getrandbits(32):08x}"
    started = created + timedelta(seconds=0.05 + chance.expovariate(4))
    record.runtime = round(USUAL[name] * chance.lognormvariate(0, 0.5), 3)
    record.started, record.done = clock.text(started), clock.text(started + timedelta(seconds=record.runtime))
    if error:
        record.error_type, record.error_message = type(error).__name__, str(error)
        record.fingerprint = failures.fingerprint(name, type(error).__name__, str(error))
    result = {"qr_code": f"inventory/qrcodes/qr_{item['id']}.png"} if name == QR_CODE else {}
    record.result = records.meta(record, status, result=result, error=error)
    return record


def wire_id(chance: random.Random) -> str:
    """A UUID that is the same in every run."""
    text = f"{chance.getrandbits(128):032x}"
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


@contextmanager
def environment(stack: LocalStack) -> Iterator[None]:
    """Set this process's environment to that of the stack's functions."""
    values = {**shells.shell(stack.endpoint), **shells.of_stack(stack)}
    with mock.patch.dict(os.environ, values):
        yield
