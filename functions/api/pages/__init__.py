"""The pages for people. Importing this declares their routes; templates are read when the first page is drawn."""

from api.pages import (
    activity,
    bulk,
    items,
    jobs,
    overview,
    preferences,
    problem,
    queues,
    schedules,
    signed_out,
    static_files,
    task,
    task_actions,
    task_types,
    tasks,
    workers,
)

__all__ = [
    "activity",
    "bulk",
    "items",
    "jobs",
    "overview",
    "preferences",
    "problem",
    "queues",
    "schedules",
    "signed_out",
    "static_files",
    "task",
    "task_actions",
    "task_types",
    "tasks",
    "workers",
]
