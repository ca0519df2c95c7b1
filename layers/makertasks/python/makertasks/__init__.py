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
    "AsyncResult": "async_result",
    "Canvas": "canvas",
    "GroupResult": "group_result",
    "RemoteTask": "client",
    "Signature": "client",
    "Submitted": "client",
    "TaskFailure": "async_result",
    "TaskRevoked": "async_result",
    "chain": "canvas",
    "chord": "canvas",
    "get_task": "client",
    "group": "canvas",
    "submit_many": "client",
    "task_names": "client",
}


def __getattr__(name: str) -> Any:
    """What the package offers, and every task by its short name."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"makertasks.{_PUBLIC[name]}"), name)
    if name.startswith("_") or _is_module(name):
        raise AttributeError(f"module 'makertasks' has no attribute {name!r}")
    from makertasks.client import task_in_folder  # noqa: PLC0415 - loaded when a task is asked for

    return task_in_folder(name)


def _is_module(name: str) -> bool:
    return any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for folder in map(Path, __path__))


def __dir__() -> list[str]:
    from makertasks.client import folders  # noqa: PLC0415 - as above

    return sorted([*globals(), *_PUBLIC, *folders()])
