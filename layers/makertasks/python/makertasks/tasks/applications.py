"""The tasks of Celery applications that run here, known without Celery: each application's folder describes them.

    functions/shop/application.json       made by `python -m makertasks.contrib.celery.describing shop.celery:app`

    {"tasks": {"shop.add": {"purpose": "…", "max_retries": 3, "rate_limit": "10/m", "time_limit": null, …}},
     "schedules": [{"name": "nightly", "task": "shop.report", "expression": "cron(0 3 * * ? *)", …}]}

So every function, client and page knows the queue of an application's tasks, and an application's function is listed,
paused, purged and counted as any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from makertasks.tasks.definitions import LAMBDA_SECONDS, MARGIN_SECONDS, InvalidDefinition, Task

FILE = "application.json"
# What of a task its file says, beside its name: fields of Task.
KNOWN = ("max_retries", "soft_time_limit", "time_limit", "rate_limit")

_ANYTHING = msgspec.defstruct("anything", [])


@dataclass(frozen=True)
class ApplicationTask(Task):
    """A task of a Celery application: its arguments are the application's business."""

    folder: str = ""
    says: str = ""

    @property
    def short_name(self) -> str:
        """Folder, queue and function of its application."""
        return self.folder

    @property
    def is_of_application(self) -> bool:
        """It does."""
        return True

    @property
    def purpose(self) -> str:
        """First line of the task's docstring."""
        return self.says

    @property
    def arguments(self) -> type[msgspec.Struct]:
        """None that are known by name."""
        return _ANYTHING

    def schema(self) -> dict[str, Any]:
        """The arguments by name, which may be any."""
        return {"type": "object", "title": self.name, "properties": {}, "additionalProperties": True}

    @property
    def item_arguments(self) -> list[str]:
        """None: no argument is known to name an item."""
        return []

    @property
    def secret_arguments(self) -> frozenset[str]:
        """None that are declared."""
        return frozenset()

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - as Task's
        """The arguments by name; those by position stay where they are."""
        return dict(kwargs)


def _kept(field: str, value: Any) -> Any:
    """A field's value; a time limit that Lambda cannot keep is cut to what it can."""
    return min(value, LAMBDA_SECONDS - MARGIN_SECONDS) if field.endswith("time_limit") else value


def _runs_in_its_application() -> None:
    raise AssertionError("an application's tasks are run by Celery's own tracer")


@cache
def declared(root: Path) -> dict[str, ApplicationTask]:
    """The tasks of every application under a code root, by name; raises InvalidDefinition."""
    return {task.name: task for file in sorted(root.glob(f"*/{FILE}")) for task in _read(file)}


def _read(file: Path) -> list[ApplicationTask]:
    try:
        described = json.loads(file.read_text())["tasks"]
        return [
            ApplicationTask(
                name,
                _runs_in_its_application,
                folder=file.parent.name,
                says=str(task.get("purpose") or ""),
                **{field: _kept(field, task[field]) for field in KNOWN if task.get(field) is not None},
            )
            for name, task in described.items()
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidDefinition(
            f"{file}: {error!r}; make it anew with python -m makertasks.contrib.celery.describing"
        ) from error
