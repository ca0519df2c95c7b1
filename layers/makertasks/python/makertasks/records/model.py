"""The tasks table's model: one item per task. `records` reads and creates items, `lifecycle` writes them.

The key and the attributes `result`, `timestamp` and `ttl` are those that Celery's own DynamoDB result backend reads, so
one item is both Celery's result and this record.

Indexes (each with `created` as sort key; keys that never change are written once):

    status   status_key = "ACTIVE#{shard}" while not final, then "{status}#{hour created}"; none for SUCCESS, nearly
    every task's status, which the index by name lists without an extra write name     name_key = "{task name}#{hour
    created}" item     item_id worker   worker
"""

from __future__ import annotations

from pynamodb.attributes import BinaryAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection

from makertasks import wire
from makertasks.aws.dynamodb import JSONList, JSONMap, Table
from makertasks.records.states import FINAL, Status


class StatusIndex(GlobalSecondaryIndex["TaskRecord"]):
    """Tasks by status; the key changes when a task fails or is revoked, and is removed when it succeeds."""

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
    """Tasks by inventory item; written once."""

    class Meta:
        index_name = "item"
        projection = KeysOnlyProjection()

    item_id = UnicodeAttribute(hash_key=True)
    created = UnicodeAttribute(range_key=True)


class WorkerIndex(GlobalSecondaryIndex["TaskRecord"]):
    """Tasks by the worker that ran them last; written when an attempt starts."""

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
    args = JSONList(null=True)  # only if the arguments did not match the task's parameters
    kwargs = JSONMap()
    positional = JSONList(null=True)  # names of the positional arguments
    payloads = JSONMap(null=True)  # {"kwargs" | "result": {key, bytes}} of values too large for a record: `payloads`
    created = UnicodeAttribute()
    started = UnicodeAttribute(null=True)
    done = UnicodeAttribute(null=True)
    runtime = NumberAttribute(null=True)
    worker = UnicodeAttribute(null=True)
    attempt = NumberAttribute(default=0)  # number of attempts started
    attempts = JSONList(null=True)  # earlier attempts: {start, end, worker, outcome, error}
    max_retries = NumberAttribute(null=True)  # if it is not the definition's
    lease = NumberAttribute(null=True)  # epoch seconds; only while STARTED
    retry_at = UnicodeAttribute(null=True)  # only while RETRY
    slot = UnicodeAttribute(null=True)  # until then a waiting task is not overdue: its start time by the rate limit
    state = UnicodeAttribute(null=True)  # JSON state with which a task continues that ran out of time
    requeues = NumberAttribute(null=True)  # number of times that a seemingly lost message was resent
    requeued = UnicodeAttribute(null=True)  # when it was last resent
    eta = UnicodeAttribute(null=True)
    expires = UnicodeAttribute(null=True)
    error_type = UnicodeAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)  # equal for failures with the same cause
    own_state = UnicodeAttribute(null=True)  # a running Celery task's custom state, such as PROGRESS
    progress = JSONMap(null=True)  # {done, total}
    terminate = UnicodeAttribute(null=True)  # who requested a running task's termination, and when
    item_id = UnicodeAttribute(null=True)
    item_name = UnicodeAttribute(null=True)  # as it was when the task was submitted, or first read by the task
    requested_by = UnicodeAttribute(null=True)
    parent_id = UnicodeAttribute(null=True)
    root_id = UnicodeAttribute(null=True)
    group_id = UnicodeAttribute(null=True)
    children = JSONList(null=True)  # its children, as Celery's trees (wire.results)
    retry_of = UnicodeAttribute(null=True)
    retried_to = JSONList(null=True)  # ids
    changes = JSONMap(null=True)  # of a retry: {argument: {from, to}}; the side of an absent argument is absent
    options = UnicodeAttribute(null=True)  # the message's other options (links, chain, …), as JSON
    body = UnicodeAttribute(null=True)  # an unreadable message's body
    deliveries = NumberAttribute(null=True)  # number of times that SQS delivered an unreadable message to a function
    status_key = UnicodeAttribute(null=True)
    name_key = UnicodeAttribute()

    @property
    def task_id(self) -> str:
        """Return the task's id, without the key's prefix."""
        return wire.task_id_of(self.id)

    @property
    def child_ids(self) -> list[str]:
        """Return the ids of the task's children."""
        return [task_id for child in self.children or [] for task_id in wire.tree_ids(child)]

    @property
    def is_final(self) -> bool:
        """Return whether the status is final."""
        return self.status in FINAL

    @property
    def shown_status(self) -> str:
        """Return Celery's state: the status, or a running task's custom state."""
        return self.own_state if self.own_state and self.status == Status.STARTED else self.status
