"""Celery's `map` and `starmap`, and the parts of `chunks`: one message runs a task over a list of arguments.

    {"task": "celery.starmap", "kwargs": {"task": {signature of the task}, "it": [[1, 2], [3, 4]]}}

The queue is the inner task's; the result is the list of its results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from makertasks import tasks, wire
from makertasks.errors import InvalidArguments
from makertasks.tasks import Task

# Whether each entry is a list of arguments.
KINDS = {"celery.map": False, "celery.starmap": True}


def find(message: wire.Message) -> Task:
    """Return the task that a message runs; raises UnknownTask."""
    if message.name not in KINDS:
        return tasks.find(message.name)
    inner = message.kwargs.get("task")
    name = str(inner.get("task")) if isinstance(inner, dict) else ""
    return over(tasks.find(name), message.name)


def over(task: Task, name: str) -> Task:
    """Return the task over a list if `name` says so, otherwise the task itself."""
    if name not in KINDS or task.is_of_application:
        return task
    own = {field.name: getattr(task, field.name) for field in fields(Task)}
    return Mapped(**{**own, "name": name, "item_of": None, "example": None}, inner=task)


@dataclass(frozen=True)
class Mapped(Task):
    """A task that runs over a list."""

    inner: Task | None = None

    @property
    def _task(self) -> Task:
        if self.inner is None:
            raise InvalidArguments("kwargs: no task is named to run over the list")
        return self.inner

    @property
    def short_name(self) -> str:
        """Return the inner task's queue and function."""
        return self._task.short_name

    @property
    def item_arguments(self) -> list[str]:
        """Return None: the list may have many items."""
        return []

    @property
    def arguments(self) -> Any:
        """Return the inner task's."""
        return self._task.arguments

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the list, with each entry validated; raises InvalidArguments."""
        entries, task = kwargs.get("it"), kwargs.get("task")
        if args or not isinstance(entries, list) or not isinstance(task, dict) or task.get("task") != self._task.name:
            raise InvalidArguments(
                f"kwargs: {self.name} takes a signature of {self._task.name} as `task` and a list as `it`"
            )
        if self._task.secret_arguments:
            raise InvalidArguments(
                f"kwargs: {self._task.name} has secret arguments; send a task for each entry instead"
            )
        for place, entry in enumerate(entries):
            try:
                self._task.bind(self._given(entry), {})
            except InvalidArguments as error:
                raise InvalidArguments(f"it: entry {place}: {error}") from error
        return {"task": task, "it": entries}

    def call(self, kwargs: Mapping[str, Any]) -> list[Any]:
        """Return the inner task's results, one per entry."""
        return [self._task.call(self._task.bind(self._given(entry), {})) for entry in kwargs["it"]]

    def _given(self, entry: Any) -> list[Any]:
        if not KINDS[self.name]:
            return [entry]
        if not isinstance(entry, list):
            raise InvalidArguments("is not a list of arguments")
        return entry
