"""A job's action on one task, and its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from aws_lambda_powertools import Logger

from makertasks.control import retrying, revoking
from makertasks.errors import InvalidRequest, NotFound, TemporaryError, Unavailable
from makertasks.records import failures, lifecycle, payloads
from makertasks.records.lifecycle import StillActive
from makertasks.records.model import TaskRecord

logger = Logger(child=True)

NAMESPACE = UUID("0f6c2b1e-52a0-4b8e-9f43-3f0e6a1d7c55")  # for the ids of tasks that a job submits


@dataclass(frozen=True)
class Done:
    """The outcome for one task: the word under which it is counted, and details."""

    id: str
    outcome: str
    detail: str = ""


def action(name: str, arguments: dict[str, Any], who: str, job_id: str) -> Callable[[TaskRecord], Done]:
    """Return the function that performs the action on one task; repeating it on the same task changes nothing.

    If the action fails for a task, the error is that task's outcome and the job continues. Unavailable and
    TemporaryError end the attempt, and the next one continues where it stopped.
    """
    act = _action(name, arguments, who, job_id)

    def guarded(record: TaskRecord) -> Done:
        try:
            return act(record)
        except NotFound as error:  # another job has deleted it since this one listed it
            return Done(record.task_id, "GONE", str(error))
        except (TemporaryError, Unavailable):
            raise
        except Exception as error:
            logger.exception("job failed for a task", job_id=job_id, task_id=record.task_id, action=name)
            return Done(record.task_id, "FAILED", failures.message(error))

    return guarded


def _action(name: str, arguments: dict[str, Any], who: str, job_id: str) -> Callable[[TaskRecord], Done]:
    if name in {"revoke", "purge"}:
        return lambda record: _revoke(record, who, terminate=bool(arguments.get("terminate")))
    if name == "retry":
        return lambda record: _retry(record, who, job_id)
    return _delete


def _revoke(record: TaskRecord, who: str, *, terminate: bool) -> Done:
    return Done(record.task_id, revoking.revoke(record.task_id, terminate=terminate, who=who, was_recorded=True).value)


def _retry(record: TaskRecord, who: str, job_id: str) -> Done:
    new_id = str(uuid5(NAMESPACE, f"{job_id}/{record.task_id}"))
    try:
        return Done(record.task_id, "RETRIED", retrying.retry(record.task_id, who=who, new_id=new_id).task_id)
    except InvalidRequest as error:
        return Done(record.task_id, "REFUSED", str(error))


def _delete(record: TaskRecord) -> Done:
    try:
        lifecycle.delete(record.task_id)
    except StillActive as error:
        return Done(record.task_id, "REFUSED", str(error))
    payloads.forget(record.payloads or {})
    return Done(record.task_id, "DELETED")
