"""Differences between running a Celery application on Lambda and on a worker, found in its configuration."""

from __future__ import annotations

from typing import Any

from celery import signals  # type: ignore[import-not-found]  # the application's own

from makertasks.tasks import LAMBDA_SECONDS

JSON = {"json", "application/json"}
# Signals that are never sent here: those of a worker's processes and of its remote control.
NEVER_SENT = (
    "worker_ready", "worker_shutting_down", "worker_shutdown", "worker_process_shutdown", "celeryd_init",
    "celeryd_after_setup", "heartbeat_sent", "task_received", "task_rejected", "task_unknown", "beat_init",
    "beat_embedded_init",
)  # fmt: skip


def differences(app: Any) -> list[str]:
    """A sentence for each difference; the application's tasks must have been loaded."""
    return [*_serializers(app), *_queues(app), *_limits(app), *_schedules(app), *_signals(app)]


def _serializers(app: Any) -> list[str]:
    conf = app.conf
    named = {"task_serializer": conf.task_serializer, "result_serializer": conf.result_serializer}
    said = [f"{name} is {value!r}: only JSON is sent and read" for name, value in named.items() if value not in JSON]
    if others := sorted(set(conf.accept_content or ()) - JSON):
        said.append(f"accept_content has {', '.join(others)}: messages that are not JSON are refused")
    return said + [
        f"{name} is sent as {task.serializer}: only JSON is read"
        for name, task in _tasks(app)
        if task.serializer not in {None, *JSON}
    ]


def _queues(app: Any) -> list[str]:
    queues = list(app.conf.task_queues or ())
    said = []
    if len(queues) > 1:
        names = ", ".join(sorted(str(getattr(queue, "name", queue)) for queue in queues))
        said.append(f"task_queues has {names}: all tasks arrive in one queue and run in one function")
    for queue in queues:
        exchange = getattr(queue, "exchange", None)
        if (kind := getattr(exchange, "type", "direct")) != "direct":
            said.append(f"the exchange of {queue.name} is of type {kind}: SQS has no broadcasts")
    if any(task.priority for _, task in _tasks(app)) or app.conf.task_default_priority:
        said.append("priorities: SQS has none")
    return said


def _limits(app: Any) -> list[str]:
    conf, said = app.conf, []
    wholes = {"task_time_limit": conf.task_time_limit, "task_soft_time_limit": conf.task_soft_time_limit}
    limits = [(name, limit) for name, limit in wholes.items() if limit]
    for name, task in _tasks(app):
        limits += [(name, limit) for limit in (task.time_limit, task.soft_time_limit) if limit]
    for name, limit in limits:
        if limit > LAMBDA_SECONDS:
            said.append(f"{name} may take {limit:g} s: AWS Lambda ends every function after {LAMBDA_SECONDS} s")
    if not conf.task_acks_late:
        said.append("task_acks_late is off: here a message is gone when its task has ended, so a lost task runs again")
    return said


def _schedules(app: Any) -> list[str]:
    scheduler = str(app.conf.beat_scheduler or "")
    if not scheduler or scheduler.startswith("celery.beat:"):
        return []
    return [f"beat_scheduler is {scheduler}: its schedules are not in beat_schedule; write them there"]


def _signals(app: Any) -> list[str]:  # noqa: ARG001 - as the others
    return [f"{name} has receivers: nothing sends this signal" for name in NEVER_SENT if _receivers(name)]


def _receivers(name: str) -> list[Any]:
    """The receivers that the application connected, without Celery's own."""
    signal = getattr(signals, name)
    return [
        receiver
        for receiver in signal._live_receivers(None)  # noqa: SLF001 - Celery says it nowhere else
        if not str(getattr(receiver, "__module__", "")).startswith("celery.")
    ]


def _tasks(app: Any) -> list[tuple[str, Any]]:
    return [(name, task) for name, task in sorted(app.tasks.items()) if not name.startswith("celery.")]
