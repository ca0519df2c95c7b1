"""Runs the tasks of an ordinary Celery application on Lambda, unchanged, by Celery's own tracer: `makertasks[celery]`.

    # functions/shop/handler.py
    from makertasks.contrib.celery import lambda_handler
    from shop.celery import app

    handler = lambda_handler(app, queue="shop")

One function runs all tasks of the application from one queue. The engine handles claims, leases, expiry and delays;
Celery runs the task and everything that follows it (retries, links, chains, groups, chords). The engine does not
depend on this package. Only `handler`, `tracing`, `backend`, `reader`, `client`, `describing` and `checking` import
Celery.

handler     a batch of the queue, and the application's settings
tracing     one attempt: Celery's tracer, and the update of the task's record
backend     Celery's result backend over our records
reader      a result backend for clients whose tasks return more than a record holds
client      additions for stock Celery clients, besides their settings
describing  the tasks and schedules of an application, as JSON
checking    differences from running an application on a worker
settings    settings for stock Celery clients: broker, result backend, queues
"""

import importlib
from typing import Any

__all__ = ["lambda_handler"]


def __getattr__(name: str) -> Any:
    """Load Celery only when `lambda_handler` is imported."""
    if name == "lambda_handler":
        return importlib.import_module("makertasks.contrib.celery.handler").lambda_handler  # loads Celery
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
