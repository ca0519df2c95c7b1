"""Pausing a queue whose event source mapping belongs to an alias, as every mapping does on AWS."""

from __future__ import annotations

from collections import Counter

import pytest

from makertasks.aws import queues as aws_queues
from makertasks.aws import session
from makertasks.control import pausing
from makertasks.monitoring import dead_letters, queues

FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:shop-generate_qr_code"


class Lambda:
    """Lists mappings as AWS does: for an unqualified function name, only the function's own, not its aliases'."""

    def __init__(self):
        self.mapping = {
            "UUID": "11111111-2222-3333-4444-555555555555",
            "EventSourceArn": "arn:aws:sqs:eu-central-1:111122223333:shop-tasks-generate_qr_code",
            "FunctionArn": f"{FUNCTION}:live",
            "State": "Enabled",
        }

    def get_paginator(self, _operation):
        return self

    def paginate(self, FunctionName=None):  # noqa: N803 - AWS's name
        wanted = FunctionName is None or self.mapping["FunctionArn"].endswith(f":function:{FunctionName}")
        return [{"EventSourceMappings": [self.mapping] if wanted else []}]

    def update_event_source_mapping(self, UUID, Enabled):  # noqa: N803 - AWS's names
        assert self.mapping["UUID"] == UUID
        self.mapping["State"] = "Enabled" if Enabled else "Disabled"
        return self.mapping


class Queues:
    """An SQS whose queues are empty."""

    def get_queue_url(self, QueueName):  # noqa: N803 - AWS's name
        return {"QueueUrl": f"https://sqs/{QueueName}"}

    def get_queue_attributes(self, QueueUrl, AttributeNames):  # noqa: N803 - AWS's names
        assert QueueUrl.startswith("https://sqs/shop-")
        return {"Attributes": dict.fromkeys(AttributeNames, "0")}


def test_a_queue_is_paused_and_resumed_though_its_mapping_belongs_to_an_alias(monkeypatch: pytest.MonkeyPatch):
    clients = {"lambda": Lambda(), "sqs": Queues()}
    monkeypatch.setenv("STACK_NAME", "shop")
    monkeypatch.setattr(session, "client", clients.__getitem__)
    monkeypatch.setattr(queues, "oldest_waiting", dict)
    monkeypatch.setattr(dead_letters, "counts", Counter)
    aws_queues.url_of.cache_clear()

    paused = pausing.pause("generate_qr_code")["state"]
    resumed = pausing.resume("generate_qr_code")["state"]

    aws_queues.url_of.cache_clear()
    assert (paused, resumed) == ("paused", "running")
