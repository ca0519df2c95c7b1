"""The addresses under /v1/: importing this package declares them all."""

from api.resources import audit, health, items, queues, schedules, statistics, task_types, tasks, workers

__all__ = ["audit", "health", "items", "queues", "schedules", "statistics", "task_types", "tasks", "workers"]
