"""Flower's HTTP API: its routes, parameters and keys, implemented with the same functions as our own API.

Flower's worker is here the function of one task, by its short name. The model is Flower 2.2.0; what a Lambda function
cannot do, unlike a Celery worker, gets Flower's own status for a refusal: 403.
"""

from api.flower import applying, control, metrics, tasks, workers

__all__ = ["applying", "control", "metrics", "tasks", "workers"]
