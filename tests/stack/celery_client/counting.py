"""Behaviours with several observed results, and callbacks that count their calls."""

import uuid

from celery.result import AsyncResult
from shop.celery import app
from shop.odd import counted, counted_error


class Calls(str):
    """The key of a counter of calls."""

    __slots__ = ()


def new() -> str:
    return str(uuid.uuid4())


def at(task_id):
    return AsyncResult(task_id, app=app)


def linked(signature_, kind="link"):
    """A task or canvas with a counted callback or errback; both are observed."""
    key = new()
    callback = counted.s(key=key) if kind == "link" else counted_error.s(key=key)
    return {"result": signature_.apply_async(**{kind: callback}), "calls": Calls(key)}


def marked(send):
    """The result of `send(marker)`, and the task with that id that it starts."""
    marker = new()
    return {"result": send(marker), "marker": at(marker)}


def counted_body(canvas):
    key = new()
    return {"result": canvas(counted.s(key=key)).apply_async(), "calls": Calls(key)}


def on_error(canvas):
    key = new()
    return {"result": canvas.on_error(counted_error.s(key=key)).apply_async(), "calls": Calls(key)}
