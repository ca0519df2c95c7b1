"""Probes of the Python client, each with its own IAM user; test_client_rights.py runs this.

Standard input: a list of [probe, keys]; each probe runs in a process of its own. Standard output: a
list of their errors, empty for a success.
"""

import json
import os
import sys
import time
import uuid

from makertasks import AsyncResult, generate_index_cards, generate_qr_code
from tests.stack.forked import outcome

ITEM = os.environ["ITEM_ID"]


def sends():
    generate_qr_code.delay(ITEM)


def reads():
    assert AsyncResult("nobody's").status == "PENDING"


def revokes():
    assert generate_qr_code.apply_async((ITEM,), countdown=600).revoke() == "REVOKED"


def forgets():
    result = generate_qr_code.apply_async((ITEM,), countdown=600)
    result.revoke()
    result.forget()


def sends_many():
    answer = generate_qr_code.submit_many([{"item_id": ITEM}] * 2)
    assert not [*answer.rejected, *answer.unsent], [*answer.rejected, *answer.unsent]


def sends_large_arguments():
    generate_index_cards.apply_async(([str(uuid.uuid4()) for _ in range(600)],), countdown=600)


def reads_a_large_result():
    assert AsyncResult(os.environ["LARGE"]).get(timeout=1) == ["x" * 20_000]


def revokes_a_delayed_task():
    assert generate_qr_code.apply_async((ITEM,), countdown=3600).revoke() == "REVOKED"


def stores_a_large_result():
    """Set up by an administrator for the probe that reads it."""
    from makertasks import wire  # noqa: PLC0415 - needs the stack's names
    from makertasks.records import lifecycle, payloads  # noqa: PLC0415 - needs the stack's names
    from makertasks.records import table as records  # noqa: PLC0415

    message = wire.Message(os.environ["LARGE"], generate_qr_code.name, kwargs={"item_id": ITEM})
    claimed = lifecycle.claim(records.new(message, queue="generate_qr_code"), "probe", time.time() + 60)
    pointer = payloads.store(message.task_id, "result", ["x" * 20_000])
    assert lifecycle.succeed(claimed, payloads.shown(pointer), pointer)


if __name__ == "__main__":
    json.dump([outcome(globals()[probe], keys) for probe, keys in json.load(sys.stdin)], sys.stdout)
