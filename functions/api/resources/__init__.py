"""The addresses under /v1/: importing this package declares them all."""

from api.resources import (
    audit,
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
    "audit",
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
