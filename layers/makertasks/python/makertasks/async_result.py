"""What became of a task, in the words of Celery's AsyncResult.

The status is read from the task's record each time it is asked for, until the task has ended.
"""

from __future__ import annotations

import builtins
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from makertasks import configuration
from makertasks.errors import MakertasksError, NotFound

if TYPE_CHECKING:
    from makertasks.group_result import GroupResult

FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
# Seconds between two looks at the record while `get` waits: short at first, since most tasks take under a second.
FIRST_INTERVAL = 0.1
LONGEST_INTERVAL = 2.0


class TaskFailure(MakertasksError):
    """A task failed with an error whose type is not known here; `exc_type` and `exc_module` name it."""

    exc_type = "TaskFailure"
    exc_module = "makertasks"


class TaskRevoked(MakertasksError):
    """The task was called off, or expired before it began."""


class AsyncResult:
    """The result of one task, by its id. A task without record reads as PENDING, as in Celery."""

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

    # ── what it is ──

    @property
    def status(self) -> str:
        """PENDING, STARTED, RETRY, SUCCESS, FAILURE or REVOKED; raises Unavailable."""
        return str(self._meta()["status"])

    state = status

    @property
    def result(self) -> Any:
        """The value of a success, the exception of a failure, else None."""
        meta = self._meta()
        return meta["result"] if meta["status"] == "SUCCESS" else self._error(meta)

    info = result

    @property
    def traceback(self) -> str | None:
        """The traceback of a failure, or of the attempt before."""
        return self._meta().get("traceback")

    @property
    def date_done(self) -> datetime | None:
        """When it ended."""
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
        """Who ran it last."""
        return self._meta().get("worker")

    @property
    def retries(self) -> int:
        """Attempts after the first."""
        return int(self._meta().get("retries") or 0)

    @property
    def children(self) -> list[AsyncResult | GroupResult]:
        """What came of it: its links, the next step of its chain."""
        from makertasks.group_result import from_tree  # noqa: PLC0415 - which builds on this module

        return [from_tree(tree) for tree in self._meta().get("children") or []]

    @property
    def parent(self) -> AsyncResult | GroupResult | None:
        """The step before it in its chain, a chord's header, or the task that it follows."""
        if self._parent is None and (parent_id := self._meta().get("parent_id")):
            self._parent = AsyncResult(parent_id)
        return self._parent

    def ready(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    def successful(self) -> bool:
        """Whether it has ended well."""
        return self.status == "SUCCESS"

    def failed(self) -> bool:
        """Whether it has failed."""
        return self.status == "FAILURE"

    # ── what may be done with it ──

    def get(self, timeout: float | None = None, *, propagate: bool = True, interval: float | None = None) -> Any:
        """Wait for its end and answer its value; a failure is raised, or with `propagate=False` answered.

        `timeout` and `interval` are in seconds. Raises TimeoutError, TaskRevoked, TaskFailure or the task's own error.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = interval or FIRST_INTERVAL
        while not self.ready():
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"task {self.id} is {self.status} after {timeout:g} s; it goes on, ask again later")
            time.sleep(min(pause, left))
            pause = interval or min(pause * 1.5, LONGEST_INTERVAL)
        value = self.result
        if propagate and not self.successful():
            raise value
        return value

    def revoke(self, *, terminate: bool = False, who: str = "client") -> str:
        """Call it off; a running one ends at its next checkpoint, with `terminate`. Answers what happened.

        REVOKED, RECORDED (it had no record yet), TERMINATING, RUNNING (nothing changed), ENDED (nothing changed).
        """
        from makertasks import revoking  # noqa: PLC0415 - loads boto3

        configuration.load()
        return str(revoking.revoke(self.id, terminate=terminate, who=who))

    def forget(self) -> None:
        """Remove its record; raises StillActive for a task that has not ended."""
        from makertasks import lifecycle  # noqa: PLC0415 - loads boto3

        configuration.load()
        lifecycle.delete(self.id)
        self._final = None

    def _meta(self) -> dict[str, Any]:
        if self._final is not None:
            return self._final
        from makertasks import payloads, records, wire  # noqa: PLC0415 - loads boto3

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

    @staticmethod
    def _error(meta: dict[str, Any]) -> BaseException | None:
        """A stored error as an exception: Python's own and ours by their types, others as a TaskFailure."""
        stored = meta["result"]
        if meta["status"] not in {"FAILURE", "REVOKED", "RETRY"} or not isinstance(stored, dict):
            return None
        message = stored.get("exc_message")
        arguments = message if isinstance(message, list) else [message]
        if meta["status"] == "REVOKED":
            return TaskRevoked(*arguments)
        kind = _known_error(str(stored.get("exc_module")), str(stored.get("exc_type")))
        error = kind.__new__(kind, *arguments)  # without its own __init__, which may want something else
        if isinstance(error, TaskFailure):
            error.exc_type, error.exc_module = str(stored.get("exc_type")), str(stored.get("exc_module"))
        return error


def _known_error(module: str, name: str) -> type[Exception]:
    """An exception's type: Python's own or this package's, TaskFailure for all others."""
    from makertasks import errors  # noqa: PLC0415 - beside its only use

    kind = getattr({"builtins": builtins, "makertasks.errors": errors}.get(module), name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else TaskFailure
