"""What the task list asks of DynamoDB: no counters twice for one page, and as little as its rows need."""

# ruff: noqa: F811 - the fixture is imported, and named again as an argument

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from api_calls import pool  # noqa: F401 - the fixture
from test_forms import browse

from makertasks import clock, settings, wire
from makertasks.errors import PermanentError
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

NAMES = ("inventory.tasks.generate_qr_code", "inventory.tasks.generate_index_card")
TASKS = 40


@pytest.fixture
def listed(pool, aws, tasks_table, counters_table, inventory_table, media_bucket):
    """Tasks of the last 20 days, one every half day, all counted."""
    made = []
    for number in range(TASKS):
        created = clock.now() - timedelta(minutes=5) - number * timedelta(hours=12)
        message = wire.Message(task_id=f"task-{number:03}", name=NAMES[number % 2])
        record = records.new(message, queue=message.name.rpartition(".")[2], created=created)
        lifecycle.close(record, Status.FAILURE, PermanentError("no"))
        made.append(record)
    images = [records.get(record.task_id).attribute_values for record in made]
    counting.count([counting.change_of(f"event-{number}", None, image) for number, image in enumerate(images)])


@contextmanager
def requests_to_dynamodb():
    """Count what is asked of DynamoDB: {(operation, table, request): times}, without consistent reads."""
    found = Counter()

    def note(params, **_):
        asked = json.loads(params["body"])
        if not asked.pop("ConsistentRead", False):
            asked.pop("ReturnConsumedCapacity", None)
            found[params["headers"]["X-Amz-Target"].rpartition(".")[2], json.dumps(asked, sort_keys=True)] += 1

    records.connect()
    events = TaskRecord._get_connection().connection.client.meta.events
    events.register("before-call.dynamodb", note, unique_id="requests")
    try:
        yield found
    finally:
        events.unregister("before-call.dynamodb", unique_id="requests")


@pytest.mark.parametrize(
    "query", [{}, {"status": "FAILURE"}, {"name": NAMES[0]}, {"q": "args:nowhere"}, {"sort": "-done"}]
)
def test_a_page_reads_no_counters_twice(listed, query):
    with requests_to_dynamodb() as asked:
        status, _, _ = browse("GET", "/tasks", query)
    assert status == 200
    of_counters = {request: times for request, times in asked.items() if settings.counters_table() in request[1]}
    assert of_counters
    assert set(of_counters.values()) == {1}
