"""A task's current limits: its definition's, or those that operators have set at run time."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from makertasks import clock, tasks
from makertasks.errors import InvalidRequest
from makertasks.records import notes
from makertasks.tasks import Task
from makertasks.worker import rate_limits

# Seconds for which a function caches the limits: a change takes effect within this time.
CACHE_SECONDS = 5.0


@dataclass(frozen=True)
class Limits:
    """Time limits are in seconds; None is Lambda's own limit."""

    rate_limit: str | None
    soft_time_limit: float | None
    time_limit: float | None


class Keep:
    """Sentinel: unchanged."""


KEEP = Keep()
_cache: dict[str, tuple[float, dict[str, Any]]] = {}


def of(task: Task) -> Limits:
    """Return a task's limits; raises Unavailable."""
    own = Limits(task.rate_limit, task.soft_time_limit, task.time_limit)
    return Limits(**{**asdict(own), **_changes(task.name)})


def change(
    name: str,
    *,
    who: str,
    rate_limit: str | Keep | None = KEEP,
    soft_time_limit: float | Keep | None = KEEP,
    time_limit: float | Keep | None = KEEP,
) -> Limits:
    """Set limits that override the definition's (None restores the definition's) and return all of them.

    Raises UnknownTask, InvalidRequest for an impossible limit, and Unavailable.
    """
    task = tasks.find(name)
    given = {"rate_limit": rate_limit, "soft_time_limit": soft_time_limit, "time_limit": time_limit}
    wanted = {field: value for field, value in given.items() if not isinstance(value, Keep)}
    _check(task, wanted)
    present = {**(notes.get(_key(name)) or {}), **wanted, "changed_by": who, "changed": clock.text(clock.now())}
    notes.put(_key(name), {field: value for field, value in present.items() if value is not None})
    _cache.pop(name, None)
    limits = of(task)
    if limits.rate_limit:
        rate_limits.forget_turns(name, limits.rate_limit)
    return limits


def check(name: str, **limits: Any) -> None:
    """Raises UnknownTask, or InvalidRequest for impossible limits."""
    _check(tasks.find(name), limits)


def _check(task: Task, wanted: dict[str, Any]) -> None:
    if rate := wanted.get("rate_limit"):
        try:
            clock.interval_of(rate)
        except ValueError as error:
            raise InvalidRequest("rate_limit", str(error)) from error
    for field in ("soft_time_limit", "time_limit"):
        tasks.check_time_limit(field, wanted.get(field), task.name)


def _changes(name: str) -> dict[str, Any]:
    read, value = _cache.get(name, (0.0, {}))
    present = time.monotonic()
    if not read or present - read > CACHE_SECONDS:
        stored = notes.get(_key(name)) or {}
        value = {field: stored[field] for field in ("rate_limit", "soft_time_limit", "time_limit") if field in stored}
        _cache[name] = present, value
    return value


def _key(name: str) -> str:
    return f"limits#{name}"
