"""Tasks of Celery applications, described by a file in each application's folder, so that reading it needs no Celery.

    functions/shop/application.json       made by `python -m makertasks.contrib.celery.describing shop.celery:app`

    {"tasks": {"shop.add": {"purpose": "…", "max_retries": 3, "rate_limit": "10/m", "time_limit": null, …}},
     "schedules": [{"name": "nightly", "task": "shop.report", "expression": "cron(0 3 * * ? *)", …}]}

So every function, client and page knows the queue of an application's tasks, and an application's function can be
listed, paused, purged and counted like any other.
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
# Fields of Task that the file may set, besides the name.
KNOWN = ("max_retries", "soft_time_limit", "time_limit", "rate_limit")

_ANYTHING = msgspec.defstruct("anything", [])


@dataclass(frozen=True)
class ApplicationTask(Task):
    """A task of a Celery application; its arguments are not validated here."""

    folder: str = ""
    says: str = ""

    @property
    def short_name(self) -> str:
        """Return its application's folder, queue and function."""
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
        """Return none: the parameters are unknown."""
        return _ANYTHING

    def schema(self) -> dict[str, Any]:
        """Return a schema that permits any arguments."""
        return {"type": "object", "title": self.name, "properties": {}, "additionalProperties": True}

    @property
    def item_arguments(self) -> list[str]:
        """Return None: the item is unknown."""
        return []

    @property
    def secret_arguments(self) -> frozenset[str]:
        """Return none: secrets are not declared."""
        return frozenset()

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - as Task's
        """Return the arguments by name; positional ones are not bound."""
        return dict(kwargs)


def _kept(field: str, value: Any) -> Any:
    """Return a field's value; a time limit above Lambda's is reduced to Lambda's."""
    return min(value, LAMBDA_SECONDS - MARGIN_SECONDS) if field.endswith("time_limit") else value


def _runs_in_its_application() -> None:
    raise AssertionError("an application's tasks are run by Celery's own tracer")


@cache
def declared(root: Path) -> dict[str, ApplicationTask]:
    """Return the tasks of every application under a code root by name; raises InvalidDefinition."""
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
            f"{file}: {error!r}; regenerate it with python -m makertasks.contrib.celery.describing"
        ) from error
