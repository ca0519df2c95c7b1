"""The tasks: declared by their functions, or by the Celery application that a function runs.

definitions   Task: its name, its arguments, its limits
applications  the tasks of Celery applications, from the file that describes each
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import makertasks
from makertasks import settings
from makertasks.errors import UnknownTask, did_you_mean
from makertasks.tasks import applications
from makertasks.tasks.applications import ApplicationTask
from makertasks.tasks.definitions import (
    LAMBDA_SECONDS,
    MARGIN_SECONDS,
    RESERVED_FOLDERS,
    InvalidDefinition,
    ItemId,
    ObjectVersion,
    Secret,
    Task,
    check_time_limit,
    is_unicode,
    object_under,
)

__all__ = [
    "LAMBDA_SECONDS",
    "MARGIN_SECONDS",
    "RESERVED_FOLDERS",
    "ApplicationTask",
    "InvalidDefinition",
    "ItemId",
    "ObjectVersion",
    "Secret",
    "Task",
    "check_time_limit",
    "discover",
    "find",
    "in_folder",
    "is_unicode",
    "object_under",
    "of_queue",
    "queues",
    "queues_of_code",
    "served",
    "task",
    "written_folders",
]

_registry: dict[str, Task] = {}


def task(name: str, **options: Any) -> Callable[[Callable[..., Any]], Task]:
    """Declare a task: a decorator that turns a function into a Task and registers it under `name`."""

    def declare(run: Callable[..., Any]) -> Task:
        declared = Task(name, run, **options)
        _registry[name] = declared
        return declared

    return declare


def discover() -> dict[str, Task]:
    """Return every task of the code root by name, after importing each `handler.py` and reading each application."""
    for folder in _folders():
        _declare(folder)
    return dict(sorted({**applications.declared(settings.code_root()), **_registry}.items()))


def _folders() -> list[str]:
    root = settings.code_root()
    return [each.parent.name for each in sorted(root.glob("*/handler.py")) if "@task(" in each.read_text()]


def queues_of_code() -> list[str]:
    """Return the short names of the queues from the code root, without importing handlers."""
    applied = applications.declared(settings.code_root()).values()
    return sorted({*_folders(), *(task.short_name for task in applied)})


def written_folders() -> tuple[str, ...]:
    """Return the folders of the media bucket that tasks declare to write to, sorted."""
    return tuple(sorted({folder for task in discover().values() for folder in task.writes}))


def find(name: str) -> Task:
    """Return the task with that name; raises UnknownTask, whose message lists the tasks."""
    folder = name.rpartition(".")[2]
    if name not in _registry and folder.isidentifier() and (settings.code_root() / folder / "handler.py").is_file():
        _declare(folder)
    if name not in _registry:
        if declared := applications.declared(settings.code_root()).get(name):
            return declared
        raise UnknownTask("name", f"there is no task {name[:200]!r}{did_you_mean(name, discover())}")
    return _registry[name]


def of_queue(queue: str) -> list[Task]:
    """Return the tasks of the queue with that short name: one, or those of a Celery application."""
    return [task for task in discover().values() if task.short_name == queue]


def served(name: str) -> list[Task]:
    """Return the task with that name, or all tasks of the Celery application with that name; raises UnknownTask."""
    found = [task for task in of_queue(name) if task.is_of_application]
    return found or [find(name)]


def queues() -> list[str]:
    """Return the short names of the queues, each of which has a function with the same name."""
    return sorted({task.short_name for task in discover().values()})


def in_folder(folder: str) -> Task:
    """Return the task that a folder of the code root declares; raises UnknownTask."""
    _declare(folder)
    for declared in _registry.values():
        if declared.short_name == folder:
            return declared
    raise UnknownTask("name", f"the folder {folder} declares no task of that short name")


def _declare(folder: str) -> None:
    """Import the task's handler, which declares the task: on Lambda from the code root, elsewhere from this package."""
    if makertasks.is_reserved(folder):
        raise InvalidDefinition(
            f"functions/{folder}: no task can have this name, makertasks.{folder} is something else; rename the folder"
        )
    importlib.import_module(f"{settings.code_package()}{folder}.handler")
