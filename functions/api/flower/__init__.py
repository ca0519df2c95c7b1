"""Flower's HTTP API as of Flower 2.2.0: its routes, parameters and keys, implemented with the functions behind /v1.

A worker is the function of one task, by the task's short name. Actions that are not possible with Lambda functions
return 403, as Flower does when a worker refuses.
"""

from api.flower import applying, control, metrics, tasks, workers

__all__ = ["applying", "control", "metrics", "tasks", "workers"]
