"""Results of tasks and groups, with the methods of Celery's AsyncResult and GroupResult.

The status is read from the task's record at each access, until the task has finished.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from makertasks.client import configuration
from makertasks.client.failures import error_of
from makertasks.errors import NotFound

FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
# Seconds between two reads of the record while `get` waits: short at first, because most tasks take under a second.
FIRST_INTERVAL = 0.1
LONGEST_INTERVAL = 2.0


class AsyncResult:
    """The result of a task. A task without a record is PENDING, as in Celery."""

    def __init__(self, task_id: str, *, parent: AsyncResult | GroupResult | None = None) -> None:
        """Nothing is read yet."""
        self.id = task_id
        self._parent = parent
        self._final: dict[str, Any] | None = None

    task_id = property(lambda self: self.id)

    def __repr__(self) -> str:
        return f"<AsyncResult {self.id}>"

    def __str__(self) -> str:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncResult) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    # ── properties ──

    @property
    def status(self) -> str:
        """Return PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED; raises Unavailable."""
        return str(self._meta()["status"])

    state = status

    @property
    def result(self) -> Any:
        """Return the value of a success, the exception of a failure, otherwise None."""
        meta = self._meta()
        return meta["result"] if meta["status"] == "SUCCESS" else error_of(meta)

    info = result

    @property
    def traceback(self) -> str | None:
        """Return the traceback of a failure, or of the previous attempt."""
        return self._meta().get("traceback")

    @property
    def date_done(self) -> datetime | None:
        """Return when the task finished."""
        done = self._meta().get("date_done")
        return datetime.fromisoformat(done) if done else None

    @property
    def name(self) -> str | None:
        """The task's name."""
        return self._meta().get("name")

    @property
    def kwargs(self) -> dict[str, Any] | None:
        """The task's arguments."""
        return self._meta().get("kwargs")

    @property
    def worker(self) -> str | None:
        """Return the worker that ran the task last."""
        return self._meta().get("worker")

    @property
    def retries(self) -> int:
        """Return the number of attempts after the first."""
        return int(self._meta().get("retries") or 0)

    @property
    def children(self) -> list[AsyncResult | GroupResult]:
        """Return the task's children: its callbacks, the next step of its chain."""
        return [from_tree(tree) for tree in self._meta().get("children") or []]

    @property
    def parent(self) -> AsyncResult | GroupResult | None:
        """Return the previous step of its chain, a chord's header, or the task that it follows."""
        if self._parent is None and (parent_id := self._meta().get("parent_id")):
            self._parent = AsyncResult(parent_id)
        return self._parent

    def ready(self) -> bool:
        """Return whether the task has finished."""
        return self.status in FINAL

    def successful(self) -> bool:
        """Return whether the task has succeeded."""
        return self.status == "SUCCESS"

    def failed(self) -> bool:
        """Return whether the task has failed."""
        return self.status == "FAILURE"

    # ── actions ──

    def get(self, timeout: float | None = None, *, propagate: bool = True, interval: float | None = None) -> Any:
        """Wait for the task and return its value; a failure is raised, or returned with `propagate=False`.

        `timeout` and `interval` are in seconds. Raises TimeoutError, TaskRevoked, TaskFailure or the task's own error.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = interval or FIRST_INTERVAL
        while not self.ready():
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"task {self.id} is {self.status} after {timeout:g} s; it continues, check again later"
                )
            time.sleep(min(pause, left))
            pause = interval or min(pause * 1.5, LONGEST_INTERVAL)
        value = self.result
        if propagate and not self.successful():
            raise value
        return value

    def revoke(self, *, terminate: bool = False, who: str = "client") -> str:
        """Revoke the task; with `terminate`, a running one stops at its next checkpoint. Returns the outcome.

        REVOKED, RECORDED (it had no record yet), TERMINATING, RUNNING (nothing changed), ENDED (nothing changed).
        """
        from makertasks.control import revoking  # noqa: PLC0415 - loads boto3

        configuration.load()
        return str(revoking.revoke(self.id, terminate=terminate, who=who))

    def forget(self) -> None:
        """Delete the task's record; raises StillActive for an unfinished task."""
        from makertasks.records import lifecycle  # noqa: PLC0415 - loads boto3

        configuration.load()
        lifecycle.delete(self.id)
        self._final = None

    def _meta(self) -> dict[str, Any]:
        if self._final is not None:
            return self._final
        from makertasks import wire  # noqa: PLC0415 - loads boto3
        from makertasks.records import payloads  # noqa: PLC0415 - loads boto3
        from makertasks.records import table as records  # noqa: PLC0415

        configuration.load()
        try:
            record = records.get(self.id)
        except NotFound:
            return {"status": "PENDING", "result": None}
        meta = wire.parse_result_meta(record.result)
        if meta["status"] == "SUCCESS":
            meta["result"] = payloads.result_of(record)
        if meta["status"] in FINAL:
            self._final = meta
        return meta


class GroupResult:
    """The results of a group's tasks, in order; an inner group is one of them."""

    def __init__(
        self, group_id: str, results: list[AsyncResult | GroupResult], parent: AsyncResult | GroupResult | None = None
    ) -> None:
        """Nothing is read yet."""
        self.id = group_id
        self.results = results
        self.parent = parent

    @classmethod
    def restore(cls, group_id: str) -> GroupResult | None:
        """Return a saved group, or the header of a running chord; None if there is none."""
        from makertasks.records import chords  # noqa: PLC0415 - loads boto3

        configuration.load()
        try:
            found = from_tree(chords.group_of(group_id))
        except chords.ChordError:
            return None
        return found if isinstance(found, cls) else cls(group_id, [found])

    def save(self) -> None:
        """Save the group under its id, for `restore`, also by a stock Celery client; raises Unavailable."""
        from makertasks.records import chords  # noqa: PLC0415 - loads boto3

        configuration.load()
        chords.save(self.id, tree_of(self))

    def __repr__(self) -> str:
        return f"<GroupResult {self.id} of {len(self.results)}>"

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[AsyncResult | GroupResult]:
        return iter(self.results)

    def __getitem__(self, index: int) -> AsyncResult | GroupResult:
        return self.results[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupResult) and (other.id, other.results) == (self.id, self.results)

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def children(self) -> list[AsyncResult | GroupResult]:
        """Return the results of the group's tasks."""
        return self.results

    def ready(self) -> bool:
        """Return whether all tasks have finished."""
        return all(result.ready() for result in self.results)

    def successful(self) -> bool:
        """Return whether all tasks have succeeded."""
        return all(result.successful() for result in self.results)

    def failed(self) -> bool:
        """Return whether any task has failed."""
        return any(result.failed() for result in self.results)

    def waiting(self) -> bool:
        """Return whether any task has not finished."""
        return not self.ready()

    def completed_count(self) -> int:
        """Return the number of successful tasks."""
        counts = (r.completed_count() if isinstance(r, GroupResult) else int(r.successful()) for r in self.results)
        return sum(counts)

    def join(self, timeout: float | None = None, *, propagate: bool = True, interval: float | None = None) -> list[Any]:
        """Wait for all tasks and return their values in order.

        The first failure is raised, or listed with `propagate=False`.

        `timeout`, for all together, and `interval` are in seconds. Raises TimeoutError and what `AsyncResult.get` does.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        values = []
        for result in self.results:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            values.append(result.get(left, propagate=propagate, interval=interval))
        return values

    get = join

    def revoke(self, *, terminate: bool = False) -> None:
        """Revoke all tasks."""
        for result in self.results:
            result.revoke(terminate=terminate)

    def forget(self) -> None:
        """Delete the records of all tasks; raises StillActive if one has not finished."""
        for result in self.results:
            result.forget()


def from_tree(tree: list[Any]) -> AsyncResult | GroupResult:
    """Return the result of a tree of ids, with its parents."""
    (own, before), members = tree
    parent = None if before is None else from_tree(before)
    if members is None:
        return AsyncResult(own, parent=parent)
    return GroupResult(own, [from_tree(member) for member in members], parent)


def tree_of(result: AsyncResult | GroupResult) -> list[Any]:
    """Return the tree of ids of a result, as Celery saves it."""
    if isinstance(result, AsyncResult):
        return [[result.id, None], None]
    return [[result.id, None], [tree_of(each) for each in result.results]]
