"""Celery's result backend over our records: groups and chords as in its DynamoDB backend, results as task records.

Celery's own backend replaces the whole item when it stores a result. Here a result updates the task's record, on the
condition that the attempt still belongs to this worker.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from celery import current_task, states  # type: ignore[import-not-found]  # the application's own
from celery.backends.dynamodb import DynamoDBBackend  # type: ignore[import-not-found]
from kombu.exceptions import EncodeError  # type: ignore[import-not-found]

from makertasks import masking, settings, wire
from makertasks.aws import dynamodb
from makertasks.records import chords, lifecycle, payloads
from makertasks.records import table as records
from makertasks.records.lifecycle import Claim
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status


class TaskError(Exception):
    """A task's stored failure that is not an exception."""


@dataclass
class Attempt:
    """A running attempt, and what its task has stored so far."""

    claimed: Claim
    is_stored: bool = False  # the record is final
    is_lost: bool = False  # another worker has taken it over
    error: BaseException | None = None  # why it has to be retried


class RecordBackend(DynamoDBBackend):  # type: ignore[misc]  # of the application's own Celery
    """The backend of an application whose tasks run here, one at a time in each process."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Create it as Celery does, with the stack's table."""
        options.pop("url", None)
        super().__init__(*args, table_name=settings.tasks_table(), **options)
        self.attempts: dict[str, Attempt] = {}
        self._part: tuple[str, str] | None = None  # the chord that is counted, and the task that ended

    def _get_client(self, *_args: Any, **_options: Any) -> Any:
        """The process's own client: the template creates the table and sets its time to live."""
        return dynamodb.client()

    def get(self, key: Any) -> bytes | None:
        """The value of a key, by a consistent read: a chord's last part reads what the others have just written."""
        answer = self.client.get_item(TableName=self.table_name, Key={"id": {"S": str(key)}}, ConsistentRead=True)
        stored: bytes | None = answer.get("Item", {}).get("result", {}).get("B")
        return stored

    def on_chord_part_return(self, request: Any, state: str, result: Any, **options: Any) -> None:
        """Count each ended part once, even if reported again, and send the body after the last; raises Unavailable."""
        self._part = (request.group, request.id)
        try:
            super().on_chord_part_return(request, state, result, **options)
        finally:
            self._part = None

    def incr(self, key: bytes) -> int:
        """Increment a counter and return its number; a chord's part is counted once. Raises Unavailable."""
        return chords.count(*self._part) if self._part else super().incr(key)

    def delete(self, key: bytes) -> None:
        """Remove an item; those of an ended chord are kept for a while, for a part that is delivered once more."""
        for prefix in (self.group_keyprefix, self.chord_keyprefix):
            if key.startswith(prefix):
                chords.end(key.removeprefix(prefix).decode())
                return
        super().delete(key)

    def store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: Any = None,  # noqa: ARG002 - Celery's signature; an exception brings its own
        request: Any = None,
        **_options: Any,
    ) -> Any:
        """Update a record, or record FAILURE of a task that will never run. Raises EncodeError and Unavailable."""
        attempt = self.attempts.get(task_id)
        if attempt is None:
            if state in states.EXCEPTION_STATES:
                self._close(task_id, result, request)
            return result
        if state in states.READY_STATES:
            attempt.claimed.record.children = [_tree(child) for child in self.current_task_children(request) or ()]
        if state == states.SUCCESS:
            self._succeed(attempt, result)
        elif state == states.FAILURE:
            self._end(attempt, lifecycle.fail(attempt.claimed, self._error(result)))
        elif state == states.REVOKED:
            self._end(attempt, lifecycle.revoke_running(attempt.claimed, self._error(result)))
        elif state == states.RETRY:
            attempt.error = self._error(result)  # written once its time is known
        elif state != states.STARTED:
            attempt.is_lost |= not lifecycle.show_state(attempt.claimed, state, self._meta(result))
        return result

    def _succeed(self, attempt: Attempt, result: Any) -> None:
        record = attempt.claimed.record
        value = self.prepare_value(result)
        text = _encoded(value)
        is_compressed = bool(getattr(self, "compression", None)) and len(text) > payloads.INLINE_BYTES
        _check_size(record, text, wire.compressed(text) if is_compressed else text)
        self._end(attempt, lifecycle.succeed(attempt.claimed, value, is_compressed=is_compressed))

    def _meta(self, meta: Any) -> Any:
        """The data of a task's custom state, if it can be JSON."""
        value = self.prepare_value(meta)
        _encoded(value)
        return value

    def _end(self, attempt: Attempt, mine: bool) -> None:
        attempt.is_stored, attempt.is_lost = True, not mine

    def _close(self, task_id: str, result: Any, request: Any) -> None:
        error = self._error(result)
        if error.__traceback__ is None:  # the error of a chord's body, while its parts' error is being handled
            error = error.with_traceback(sys.exc_info()[2])
        record = records.stored(task_id) or records.new(_never_run(task_id, request), queue="")
        lifecycle.close(record, Status.FAILURE, error)

    def _error(self, result: Any) -> BaseException:
        """The stored exception, also if it has the form of Celery's fields."""
        if isinstance(result, dict) and "exc_type" in result:
            result = self.exception_to_python(result)
        return result if isinstance(result, BaseException) else TaskError(result)


def _never_run(task_id: str, request: Any) -> wire.Message:
    """The record of a task that fails before it is sent: a chain's later step, or the body of a chord."""
    if request is None:
        body = (current_task.request.chord if current_task else None) or {}
        is_body = (body.get("options") or {}).get("task_id") == task_id
        return wire.Message(task_id, body["task"] if is_body else "unknown")
    args, kwargs = list(request.args or ()), dict(request.kwargs or {})
    if not payloads.stands_in_record(masking.masked(wire.plain([args, kwargs]))):
        args, kwargs = [], {}
    name, group_id = getattr(request, "task", None) or "unknown", getattr(request, "group", None)
    return wire.Message(task_id, name, args=args, kwargs=kwargs, group_id=group_id)


def _tree(child: Any) -> Any:
    """Celery's tuple for a result as the lists in which records store it."""
    return [_tree(entry) for entry in child] if isinstance(child, list | tuple) else child


def _encoded(result: Any) -> bytes:
    try:
        return wire.dump_result(result).encode()
    except (TypeError, ValueError) as error:
        raise EncodeError(f"the result has no JSON form: {error}") from error


def _check_size(record: TaskRecord, text: bytes, stored: bytes) -> None:
    """Raises EncodeError for a result too large for DynamoDB together with the rest of its task's record."""
    if len(text) > payloads.MAXIMUM_BYTES:
        raise EncodeError(str(payloads.TooLarge("result", len(text))))
    if len(stored) > payloads.INLINE_BYTES and len(stored) > (room := payloads.room(record)):
        raise EncodeError(
            f"the result has {len(stored):,} bytes of JSON, and a record of DynamoDB has room for {room:,}: put the "
            "data into S3 and return its key, or set result_compression where every reader has Celery 5.7 or later"
        )
