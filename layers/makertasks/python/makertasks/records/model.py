"""What stands in the tasks table: one item a task. `records` reads and makes it, `lifecycle` writes it.

The key and the attributes `result`, `timestamp` and `ttl` are those that Celery's own DynamoDB result backend reads, so
one item is both Celery's result and this record.

Indexes (each with `created` as sort key; keys that never change are written once):

    status   status_key = "ACTIVE#{shard}" while not final, then "{status}#{hour created}"; none for SUCCESS, which
             nearly every task is: the index by name lists it without a write of its own
    name     name_key = "{task name}#{hour created}"
    item     item_id
    worker   worker
"""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection

from makertasks import wire
from makertasks.aws.dynamodb import JSONList, JSONMap, Table
from makertasks.records.states import FINAL, Status


class StatusIndex(GlobalSecondaryIndex["TaskRecord"]):
    """Tasks by status; re-keyed when a task fails or is revoked, and left when it succeeds."""

    class Meta:
        index_name = "status"
        projection = IncludeProjection(["eta", "name"])

    status_key = UnicodeAttribute(hash_key=True)
    created = UnicodeAttribute(range_key=True)


class NameIndex(GlobalSecondaryIndex["TaskRecord"]):
    """Tasks by name; written once."""

    class Meta:
        index_name = "name"
        projection = KeysOnlyProjection()

    name_key = UnicodeAttribute(hash_key=True)
    created = UnicodeAttribute(range_key=True)


class ItemIndex(GlobalSecondaryIndex["TaskRecord"]):
    """Tasks by the inventory item they are about; written once."""

    class Meta:
        index_name = "item"
        projection = KeysOnlyProjection()

    item_id = UnicodeAttribute(hash_key=True)
    created = UnicodeAttribute(range_key=True)


class WorkerIndex(GlobalSecondaryIndex["TaskRecord"]):
    """Tasks by the worker that ran them last; written when an attempt begins."""

    class Meta:
        index_name = "worker"
        projection = KeysOnlyProjection()

    worker = UnicodeAttribute(hash_key=True)
    created = UnicodeAttribute(range_key=True)


class TaskRecord(Table):
    """One task. Times are ISO 8601 in UTC, `runtime` is in seconds."""

    by_status = StatusIndex()
    by_name = NameIndex()
    by_item = ItemIndex()
    by_worker = WorkerIndex()

    id = UnicodeAttribute(hash_key=True)
    result = BinaryAttribute(legacy_encoding=False)  # Celery's result, JSON as bytes
    timestamp = NumberAttribute()  # epoch seconds of the last write, for Celery
    ttl = TTLAttribute(null=True)
    status = UnicodeAttribute()
    name = UnicodeAttribute()
    queue = UnicodeAttribute(null=True)
    args = JSONList(null=True)  # only where the arguments did not fit the task's names
    kwargs = JSONMap()
    positional = JSONList(null=True)  # names of the arguments that were given by position
    payloads = JSONMap(null=True)  # {"kwargs" | "result": {key, bytes}} of values too large for here: `payloads`
    created = UnicodeAttribute()
    started = UnicodeAttribute(null=True)
    done = UnicodeAttribute(null=True)
    runtime = NumberAttribute(null=True)
    worker = UnicodeAttribute(null=True)
    attempt = NumberAttribute(default=0)  # attempts begun
    attempts = JSONList(null=True)  # the ended ones before the current: {start, end, worker, outcome, error}
    max_retries = NumberAttribute(null=True)  # where it is not the definition's
    lease = NumberAttribute(null=True)  # epoch seconds; only while STARTED
    retry_at = UnicodeAttribute(null=True)  # only while RETRY
    slot = UnicodeAttribute(null=True)  # until then a waiting task is not overdue: when the rate limit lets it begin
    state = UnicodeAttribute(null=True)  # JSON with which a task goes on that stopped because its time ran short
    requeues = NumberAttribute(null=True)  # how often a message was sent in place of one that seemed lost
    requeued = UnicodeAttribute(null=True)  # when, the last time
    eta = UnicodeAttribute(null=True)
    expires = UnicodeAttribute(null=True)
    error_type = UnicodeAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)  # equal for failures that are alike
    own_state = UnicodeAttribute(null=True)  # what a Celery task calls its state while it runs: PROGRESS, anything
    progress = JSONMap(null=True)  # {done, total}
    terminate = UnicodeAttribute(null=True)  # who asked a running task to end, and when
    item_id = UnicodeAttribute(null=True)
    requested_by = UnicodeAttribute(null=True)
    parent_id = UnicodeAttribute(null=True)
    root_id = UnicodeAttribute(null=True)
    group_id = UnicodeAttribute(null=True)
    children = JSONList(null=True)  # what came of it, as Celery's trees (wire.results)
    retry_of = UnicodeAttribute(null=True)
    retried_to = JSONList(null=True)  # ids
    changes = JSONMap(null=True)  # of a retry: {argument: {from, to}}; a side that was not given is absent
    options = UnicodeAttribute(null=True)  # what else the message carried (links, chain, …), as JSON
    body = UnicodeAttribute(null=True)  # the message itself, where it could not be read
    status_key = UnicodeAttribute(null=True)
    name_key = UnicodeAttribute()

    @property
    def task_id(self) -> str:
        """The task's id as callers know it."""
        return wire.task_id_of(self.id)

    @property
    def child_ids(self) -> list[str]:
        """Ids of the tasks that came of this one."""
        return [task_id for child in self.children or [] for task_id in wire.tree_ids(child)]

    @property
    def is_final(self) -> bool:
        """Whether nothing can change the task any more."""
        return self.status in FINAL

    @property
    def shown_status(self) -> str:
        """What Celery shows: the status, or a state of the task's own making while it runs."""
        return self.own_state if self.own_state and self.status == Status.STARTED else self.status
