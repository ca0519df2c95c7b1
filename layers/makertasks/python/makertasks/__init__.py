"""makertasks: OpenMakerSuite's background tasks on AWS Lambda, with nothing to keep alive.

    from makertasks import AsyncResult, generate_qr_code

    result = generate_qr_code.delay(item_id="94cb6421-7fa1-4dab-802f-ec76eba2bfe7")
    result.get(timeout=30)

Every task of the stack can be imported under the name of its folder. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

# What the package offers by itself, and the module it is in.
_PUBLIC = {
    "AsyncResult": "client.results",
    "Canvas": "client.canvas",
    "GroupResult": "client.results",
    "RemoteTask": "client.tasks",
    "Signature": "client.tasks",
    "Submitted": "submission.bulk",
    "TaskFailure": "client.failures",
    "TaskRevoked": "client.failures",
    "chain": "client.canvas",
    "chord": "client.canvas",
    "get_task": "client.tasks",
    "group": "client.canvas",
    "submit_many": "client.tasks",
    "task_names": "client.tasks",
}


def __getattr__(name: str) -> Any:
    """What the package offers, and every task by its short name."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"makertasks.{_PUBLIC[name]}"), name)
    if name.startswith("_") or is_reserved(name):
        raise AttributeError(f"module 'makertasks' has no attribute {name!r}")
    from makertasks.client.tasks import task_in_folder  # noqa: PLC0415 - loaded when a task is asked for

    return task_in_folder(name)


def is_reserved(name: str) -> bool:
    """Whether no task may have this short name, because `makertasks.<name>` is something else."""
    modules = any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for folder in map(Path, __path__))
    return modules or name in _PUBLIC or name in globals()


def __dir__() -> list[str]:
    from makertasks.client.tasks import folders  # noqa: PLC0415 - as above

    return sorted([*globals(), *_PUBLIC, *folders()])
