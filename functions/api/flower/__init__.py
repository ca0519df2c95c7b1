"""Flower's HTTP API: its addresses, parameters and keys, over the same functions as our own.

What Flower calls a worker is here the function of one task, by its short name. Flower 2.0.1 is the model; where a
function of AWS Lambda cannot do what a Celery worker can, the answer is Flower's own for a refusal: 403.
"""

from api.flower import applying, control, metrics, tasks, workers

__all__ = ["applying", "control", "metrics", "tasks", "workers"]
