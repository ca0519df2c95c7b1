"""Records of tasks by key, and conversion between records and messages. The table's model is in `records/model.py`."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from makertasks import clock, masking, settings, wire
from makertasks.aws import queues
from makertasks.aws.dynamodb import Missing, answering
from makertasks.errors import NotFound
from makertasks.records import failures
from makertasks.records.model import TaskRecord
from makertasks.records.states import FINAL, Status

# Headers of a message whose arguments, by name or by position, are in the bucket: {key, bytes}, as in the record's
# `payloads`.
PAYLOAD_HEADER = "makertasks_payload"
PAYLOAD_HEADERS = {"kwargs": PAYLOAD_HEADER, "args": "makertasks_payload_args"}

# Number of partitions of unfinished tasks per key shard: a task is written there twice, when it is recorded and when it
# finishes.
ACTIVE_SHARDS = 4

# The name of a task if neither its queue nor its message nor its result has it.
UNKNOWN = "unknown"

# Characters that a record keeps of its item's name.
ITEM_NAME_CHARACTERS = 80


def connect() -> type[TaskRecord]:
    """Return the model, bound to the table that the environment names."""
    TaskRecord.bind(settings.tasks_table())
    return TaskRecord


def get(task_id: str) -> TaskRecord:
    """Return one record, read consistently; raises NotFound or Unavailable."""
    record = stored(task_id)
    if record is None:
        raise NotFound(f"there is no task {task_id}")
    if record.ttl is not None and record.ttl <= clock.now():
        raise NotFound(f"task {task_id} has expired")
    return record


def stored(task_id: str) -> TaskRecord | None:
    """Return a task's stored record, even an expired one that DynamoDB has not deleted yet; raises Unavailable."""
    connect()
    try:
        with answering("the tasks table did not respond"):
            record = TaskRecord.get(wire.result_key(task_id), consistent_read=True)
    except Missing:
        return None
    return record if record.status else _of_stock_worker(record)


def _of_stock_worker(record: TaskRecord) -> TaskRecord:
    """Return a record made from an item by which a stock Celery worker has replaced the record."""
    meta = wire.parse_result_meta(record.result)
    done = clock.parse(meta["date_done"]) if meta.get("date_done") else clock.now()
    record.status = str(meta["status"])
    record.name = meta.get("name") or UNKNOWN
    record.queue = str(meta.get("queue") or "").removeprefix(queues.name_of("")) or None
    record.kwargs = wire.plain(meta.get("kwargs") or {})
    record.args = wire.plain(meta.get("args") or []) or None
    record.worker, record.created = meta.get("worker"), clock.text(done)
    record.done = clock.text(done) if record.is_final else None
    record.attempt, record.children = int(meta.get("retries") or 0) + 1, meta.get("children") or None
    record.parent_id, record.group_id = meta.get("parent_id"), meta.get("group_id")
    if isinstance(meta["result"], dict) and "exc_type" in meta["result"]:
        record.error_type = str(meta["result"]["exc_type"])
        record.error_message = str(meta["result"].get("exc_message"))
    record.status_key = status_key(record.task_id, record.status, record.created)
    record.name_key = name_key(record.task_id, record.name, record.created)
    return record


def get_many(keys: Iterable[str]) -> dict[str, TaskRecord]:
    """Return the records with these keys that exist and have not expired; raises Unavailable."""
    connect()
    present = clock.now()
    with answering("the tasks table did not respond"):
        found = {record.id: record for record in TaskRecord.batch_get(list(keys))}
    return {key: record for key, record in found.items() if record.ttl is None or record.ttl > present}


def get_states(keys: Iterable[str]) -> Iterator[TaskRecord]:
    """Return only the current key, status and attempts of the records that exist; raises Unavailable."""
    connect()
    with answering("the tasks table did not respond"):
        yield from TaskRecord.batch_get(list(keys), consistent_read=True, attributes_to_get=["id", "status", "attempt"])


def item_name(name: str) -> str:
    """An item's name as its tasks' records keep it: without secrets, in one line, at most `ITEM_NAME_CHARACTERS`."""
    line = masking.text(" ".join(name[: 4 * ITEM_NAME_CHARACTERS].split()))
    return line if len(line) <= ITEM_NAME_CHARACTERS else f"{line[: ITEM_NAME_CHARACTERS - 1].rstrip()}…"


def new(
    message: wire.Message,
    *,
    queue: str,
    created: datetime | None = None,
    **attributes: Any,
) -> TaskRecord:
    """Return a message's PENDING record, not yet written; `attributes` are those that messages do not have.

    Secrets in its arguments, in those of its follow-ups (callbacks, steps of its chain) and in its headers are masked:
    only the message contains them. A message that is resent from the record then fails with that reason.
    """
    connect()
    moment = clock.text(created or clock.now())
    headers = dict(message.headers)
    pointers = {field: headers.pop(header) for field, header in PAYLOAD_HEADERS.items() if header in headers}
    options = replace(message, headers=headers, origin=None, argsrepr=None, kwargsrepr=None)
    record = TaskRecord(
        wire.result_key(message.task_id),
        name=message.name,
        queue=queue,
        args=masking.masked(wire.plain(list(message.args))) or None,
        kwargs=masking.masked(wire.plain(message.kwargs)),
        payloads=pointers or None,
        created=moment,
        status=Status.PENDING.value,
        status_key=status_key(message.task_id, Status.PENDING, moment),
        name_key=name_key(message.task_id, message.name, moment),
        eta=clock.text(message.eta) if message.eta else None,
        expires=clock.text(message.expires) if message.expires else None,
        parent_id=message.parent_id,
        root_id=message.root_id if message.root_id != message.task_id else None,
        group_id=message.group_id,
        options=wire.dump_options(_without_secrets(options)),
        **{name: value for name, value in attributes.items() if value not in (None, "")},
    )
    record.timestamp = int(clock.now().timestamp())
    record.result = meta(record, Status.PENDING)
    return record


def _without_secrets(message: wire.Message) -> wire.Message:
    given = {option.name: getattr(message, option.name) for option in fields(message)}
    shown = {name: masking.masked(value) for name, value in given.items() if value and isinstance(value, dict | list)}
    return replace(message, **{name: value for name, value in shown.items() if value != given[name]})


def message_of(record: TaskRecord) -> wire.Message:
    """Return the task's message, rebuilt from its record; raises wire.Malformed if the record's options are invalid."""
    options = wire.load_options(record.options)
    pointers = record.payloads or {}
    if named := {header: pointers[field] for field, header in PAYLOAD_HEADERS.items() if field in pointers}:
        options["headers"] = {**options.get("headers", {}), **named}
    return wire.Message(
        task_id=record.task_id,
        name=record.name,
        args=record.args or [],
        kwargs=record.kwargs,
        eta=clock.parse(record.eta) if record.eta else None,
        expires=clock.parse(record.expires) if record.expires else None,
        root_id=record.root_id or record.task_id,
        parent_id=record.parent_id,
        group_id=record.group_id,
        **options,
    )


def status_key(task_id: str, status: str, created: str) -> str | None:
    """Return the status index's partition: a shard of active tasks, a final status with the hour of creation, or none.

    A successful task leaves the index: the index by name lists it, which saves a write unit.
    """
    if status == Status.SUCCESS:
        return None
    if status in FINAL:
        return status_keys(status, clock.hour(created))[shard_of(task_id)]
    keys = active_keys()
    return keys[zlib.crc32(task_id.encode()) % len(keys)]


def name_key(task_id: str, name: str, created: str) -> str:
    """Return the name index's partition."""
    return name_keys(name, clock.hour(created))[shard_of(task_id)]


def shard_of(task_id: str) -> int:
    """Return a task's shard of its hour's partitions."""
    return zlib.crc32(task_id.encode()) % settings.key_shards()


def active_keys() -> list[str]:
    """Return every partition of the status index with unfinished tasks."""
    return [f"ACTIVE#{shard}" for shard in range(ACTIVE_SHARDS * settings.key_shards())]


def status_keys(status: str, hour: str) -> list[str]:
    """Return every partition of the status index with an hour's tasks of a final status."""
    return _sharded(f"{status}#{hour}")


def name_keys(name: str, hour: str) -> list[str]:
    """Return every partition of the name index with an hour's tasks of a name."""
    return _sharded(f"{name}#{hour}")


def _sharded(key: str) -> list[str]:
    """Return the partitions' keys; the first has no number, like the only one of an unsharded table."""
    return [f"{key}#{shard}" if shard else key for shard in range(settings.key_shards())]


def meta(
    record: TaskRecord,
    status: Status,
    *,
    result: Any = None,
    error: BaseException | None = None,
    worker: str | None = None,
    done: datetime | None = None,
    is_compressed: bool = False,
) -> bytes:
    """Return Celery's result of a record that gets `status`, as the bytes that its backend reads.

    `worker` starts an attempt, `done` is when the task finished: a record has neither before it is written.
    """
    if error is not None:
        result = wire.revoked(failures.message(error)) if status is Status.REVOKED else failures.as_celery(error)
    by_position = {name: record.kwargs[name] for name in record.positional or [] if name in record.kwargs}
    return wire.result_meta(
        status.value,
        task_id=record.task_id,
        result=result,
        traceback=failures.traceback_text(error) if error else None,
        date_done=done,
        name=record.name,
        args=[*(record.args or []), *by_position.values()],
        kwargs={name: value for name, value in record.kwargs.items() if name not in by_position},
        worker=worker or record.worker,
        retries=max(int(record.attempt or 0) - 1, 0),
        queue=queues.name_of(record.queue) if record.queue else None,
        parent_id=record.parent_id,
        group_id=record.group_id,
        children=record.children or [],
        stamps=_stamps(record),
        is_compressed=is_compressed,
    )


def _stamps(record: TaskRecord) -> dict[str, Any]:
    """The stamps of a record's message; none where its options cannot be read."""
    if '"stamps"' not in (record.options or ""):
        return {}
    try:
        options = wire.load_options(record.options)
    except wire.Malformed:
        return {}
    stamps = options.get("stamps") or {}
    return {name: stamps[name] for name in options.get("stamped_headers") or [] if name in stamps}
