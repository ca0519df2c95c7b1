"""What people and scripts do, once for pages and JSON alike: the role is checked and the audit entry written here."""

from __future__ import annotations

from api.access import Caller, Role
from makertasks import audit, consumers, schedules


def pause(caller: Caller, queue: str) -> consumers.Queue:
    """Stop a queue's consumer; messages wait."""
    caller.require(Role.OPERATOR)
    consumers.get(queue)
    audit.record(caller.name, "pause queue", queue)
    return consumers.pause(queue)


def resume(caller: Caller, queue: str) -> consumers.Queue:
    """Let a queue's consumer go on."""
    caller.require(Role.OPERATOR)
    consumers.get(queue)
    audit.record(caller.name, "resume queue", queue)
    return consumers.resume(queue)


def set_maximum_concurrency(caller: Caller, queue: str, number: int | None) -> consumers.Queue:
    """Let at most so many of a queue's tasks run at a time."""
    caller.require(Role.SUPERUSER)
    before = consumers.get(queue)["maximum_concurrency"]
    consumers.check_concurrency(number)
    audit.record(caller.name, "set maximum concurrency", queue, before=before, after=number)
    return consumers.set_maximum_concurrency(queue, number)


def set_schedule(caller: Caller, name: str, enabled: bool) -> schedules.Schedule:
    """Switch a schedule on or off."""
    caller.require(Role.OPERATOR)
    schedules.get(name)
    audit.record(caller.name, "switch schedule on" if enabled else "switch schedule off", name)
    return schedules.set_enabled(name, enabled)


def run_schedule(caller: Caller, name: str) -> str:
    """Submit a schedule's task now; answers the task's id."""
    caller.require(Role.OPERATOR)
    schedules.get(name)
    audit.record(caller.name, "run schedule", name)
    return schedules.run_now(name, caller.name)
