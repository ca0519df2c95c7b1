"""Failures as exceptions: built-ins and this package's errors by their types, all others as TaskFailure."""

from __future__ import annotations

import builtins
from typing import Any

from makertasks import errors
from makertasks.errors import MakertasksError


class TaskFailure(MakertasksError):
    """A task failed with an error of an unknown type; `exc_type` and `exc_module` name it."""

    exc_type = "TaskFailure"
    exc_module = "makertasks"


class TaskRevoked(MakertasksError):
    """The task was revoked, or expired before it started."""


def error_of(meta: dict[str, Any]) -> BaseException | None:
    """Return the exception in a result's metadata; None if its status has none."""
    stored = meta["result"]
    if meta["status"] not in {"FAILURE", "REVOKED", "RETRY"} or not isinstance(stored, dict):
        return None
    message = stored.get("exc_message")
    arguments = message if isinstance(message, list) else [message]
    if meta["status"] == "REVOKED":
        return TaskRevoked(*arguments)
    kind = _known_error(str(stored.get("exc_module")), str(stored.get("exc_type")))
    error = kind.__new__(kind, *arguments)  # without its own __init__, which may have other parameters
    if isinstance(error, TaskFailure):
        error.exc_type, error.exc_module = str(stored.get("exc_type")), str(stored.get("exc_module"))
    return error


def _known_error(module: str, name: str) -> type[Exception]:
    """Return an exception's type: a built-in or this package's, TaskFailure for all others."""
    kind = getattr({"builtins": builtins, "makertasks.errors": errors}.get(module), name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else TaskFailure
