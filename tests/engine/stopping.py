"""A process that stops at one of its AWS calls, before or after the call's effect."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count

from makertasks.aws import session
from makertasks.inventory import table as inventory
from makertasks.records import notes
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

SERVICES = ("s3", "sqs", "dynamodb")
WRITES = ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems", "PutObject", "DeleteObject", "CopyObject")


class Stopped(BaseException):
    """The process stops here."""


def stopped(number, moment, work, *, calls=()):
    """Whether the work stopped at its n-th call, `moment` ("before" or "after") its effect.

    `calls` names the calls that count; by default, all do.
    """
    try:
        with _stopping_at(number, moment, calls):
            work()
    except Stopped:
        return True
    return False


@contextmanager
def requests():
    """Record the names of the calls to AWS made in the body."""
    clients = {id(client): client for client in _clients()}.values()
    made = []

    def note(model, **_):
        made.append(model.name)

    for client in clients:
        client.meta.events.register("before-call", note)
    try:
        yield made
    finally:
        for client in clients:
            client.meta.events.unregister("before-call", note)


@contextmanager
def _stopping_at(number, moment, calls):
    clients = {id(client): client for client in _clients()}.values()
    events = [f"{moment}-call.{service}.{call}" for service in SERVICES for call in calls] or [f"{moment}-call"]
    seen = count()

    def stop(**_):
        if next(seen) == number:
            raise Stopped

    for client in clients:
        for event in events:
            client.meta.events.register(event, stop)
    try:
        yield
    finally:
        for client in clients:
            for event in events:
                client.meta.events.unregister(event, stop)


def _clients():
    """The clients of the package and of PynamoDB's models."""
    records.connect()
    notes.connect()
    inventory.connect()
    models = (TaskRecord, notes.Note, inventory.Entry, inventory.Item, inventory.ItemSupplier, inventory.ReorderRequest)
    yield from (model._get_connection().connection.client for model in models)
    yield from map(session.client, SERVICES)
