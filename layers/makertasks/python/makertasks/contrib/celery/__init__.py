"""Runs the tasks of an ordinary Celery application on Lambda, unchanged, by Celery's own tracer: `makertasks[celery]`.

    # functions/shop/handler.py
    from makertasks.contrib.celery import lambda_handler
    from shop.celery import app

    handler = lambda_handler(app, queue="shop")

One function takes the tasks of the whole application from one queue. Claims, leases, expiry and waiting are the
engine's; what happens inside a task, and what follows it (retries, links, chains, groups, chords), is Celery's. The
engine does not know this package. Only `handler`, `tracing`, `backend`, `reader`,
`client`, `describing` and `checking` import Celery.

handler     a batch of the queue, and the application's settings
tracing     one attempt: Celery's tracer, and what its record says afterwards
backend     Celery's result backend over our records
reader      a result backend for clients whose tasks return more than a record holds
client      what stock Celery clients need beside their settings
describing  the tasks and schedules of an application, as JSON
checking    what of an application works otherwise here
settings    those settings: the broker's, the result backend's, the queues'
"""

import importlib
from typing import Any

__all__ = ["lambda_handler"]


def __getattr__(name: str) -> Any:
    """`lambda_handler`, which loads Celery when it is asked for."""
    if name == "lambda_handler":
        return importlib.import_module("makertasks.contrib.celery.handler").lambda_handler  # which loads Celery
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
