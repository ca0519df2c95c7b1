"""Fixtures that import dumps into moto's inventory table."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace

import boto3
import pytest
from moto.dynamodb import models as moto_models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from import_dump.handler import import_dump
from makertasks import settings
from makertasks.aws import bucket

KEY = "imports/dump.json"


@pytest.fixture(autouse=True)
def one_copy_a_transaction(monkeypatch):
    """moto copies the whole table once for each entry of a transaction, in case it fails; one copy is enough."""
    transact = DynamoDBBackend.transact_write_items

    def transact_with_one_copy(backend, transact_items):
        copied: dict[int, object] = {}

        def deepcopy(value):
            if not isinstance(value, Table):
                return copy.deepcopy(value)
            if id(value) not in copied:
                copied[id(value)] = copy.deepcopy(value)
            return copied[id(value)]

        with monkeypatch.context() as patch:
            patch.setattr(moto_models, "copy", SimpleNamespace(deepcopy=deepcopy))
            transact(backend, transact_items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", transact_with_one_copy)


@pytest.fixture
def put(inventory_table, media_bucket):
    """Put a dump under imports/."""

    def upload(content: list | bytes) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content, indent=1).encode()
        bucket.put(KEY, body, "application/json")

    return upload


@pytest.fixture
def bring_in(put):
    """Put a dump under imports/ and run its task."""

    def run(content: list | bytes) -> dict:
        put(content)
        return import_dump.call({"key": KEY})

    return run


@pytest.fixture
def rows(inventory_table):
    """Return everything in the table, by key."""

    def scan() -> dict[tuple[str, str], dict]:
        table = boto3.resource("dynamodb").Table(settings.inventory_table())
        return {(row["owner"], row["entry"]): row for row in table.scan()["Items"]}

    return scan


def counts(report: dict) -> tuple[int, int, int, int]:
    return report["created"], report["changed"], report["unchanged"], report["refused"]
