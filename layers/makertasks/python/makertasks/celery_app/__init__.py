"""Runs the tasks of an ordinary Celery application on Lambda, unchanged, by Celery's own tracer: `makertasks[celery]`.

    # functions/shop/handler.py
    from makertasks.celery_app import lambda_handler
    from shop.celery import app

    handler = lambda_handler(app, queue="shop")

One function takes the tasks of the whole application from one queue. Claims, leases, expiry and waiting are the
engine's; what happens inside a task, and what follows it (retries, links, chains, groups, chords), is Celery's. The
engine does not know this package, and nothing else of makertasks imports it.

handler     a batch of the queue, and the application's settings
tracing     one attempt: Celery's tracer, and what its record says afterwards
backend     Celery's result backend over our records
"""

from makertasks.celery_app.handler import lambda_handler

__all__ = ["lambda_handler"]
