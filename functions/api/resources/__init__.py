"""The addresses under /v1/: importing this package declares them all."""

from api.resources import health, items, task_types, tasks

__all__ = ["health", "items", "task_types", "tasks"]
