"""The routes under /v1/; importing this package declares them."""

from api.resources import (
    alerts,
    audit,
    dead_letters,
    exports,
    health,
    items,
    jobs,
    queues,
    schedules,
    statistics,
    submissions,
    task_types,
    tasks,
    workers,
)

__all__ = [
    "alerts",
    "audit",
    "dead_letters",
    "exports",
    "health",
    "items",
    "jobs",
    "queues",
    "schedules",
    "statistics",
    "submissions",
    "task_types",
    "tasks",
    "workers",
]
