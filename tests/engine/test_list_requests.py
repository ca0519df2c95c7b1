"""What the task list reads from DynamoDB: no counter twice for one page, and no more than its rows need."""

# ruff: noqa: F811 - the fixture is imported, and named again as an argument

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from api_calls import pool  # noqa: F401 - the fixture
from browsing import browse

from makertasks import clock, settings, wire
from makertasks.errors import PermanentError
from makertasks.monitoring import failure_groups, listing, places
from makertasks.monitoring.counters import counting, rolling_up
from makertasks.records import lifecycle, unredriven
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
def requests_to_dynamodb(*, consistent=False):
    """Count requests to DynamoDB, either consistent reads or the others: {(operation, request): times}."""
    found = Counter()

    def note(params, **_):
        asked = json.loads(params["body"])
        if asked.pop("ConsistentRead", False) == consistent:
            asked.pop("ReturnConsumedCapacity", None)
            found[params["headers"]["X-Amz-Target"].rpartition(".")[2], json.dumps(asked, sort_keys=True)] += 1

    records.connect()
    events = TaskRecord._get_connection().connection.client.meta.events
    events.register("before-call.dynamodb", note, unique_id=f"requests {consistent}")
    try:
        yield found
    finally:
        events.unregister("before-call.dynamodb", unique_id=f"requests {consistent}")


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


def partitions(asked):
    """The number of queries for each partition."""
    values = [json.loads(request).get("ExpressionAttributeValues") for _, request in asked.elements()]
    return Counter(value[":0"]["S"] for value in values if value)


def test_the_task_list_reads_the_totals_once_for_all_its_counts(listed):
    with requests_to_dynamodb(consistent=True) as asked:
        browse("GET", "/tasks", {"created_from": "2000-01-01", "created_to": "2099-12-31"})
    # the totals are read before and after the days that they may lack, which are in one month or in two
    found = partitions(asked)
    assert found.pop("totals") == 2
    assert set(found.values()) == {1}
    assert len(found) <= 2


def test_a_list_that_the_last_days_fill_reads_no_month(listed):
    with requests_to_dynamodb() as asked:
        page = listing.page(listing.Filter(status=Status.FAILURE), limit=2, names=NAMES)
    assert len(page.records) == 2
    of_counters = {each for each in partitions(asked) if each == "months" or each[:2] == "20"}
    assert of_counters <= set(rolling_up.open_days())


def test_failures_of_past_hours_are_grouped_from_memory(listed):
    since, present = clock.now() - timedelta(days=25), clock.now()
    first = failure_groups.recent(since, present)

    with requests_to_dynamodb() as asked:
        second = failure_groups.recent(since, present)

    assert second == first
    assert second["examined"] == TASKS
    queried = {each for each in partitions(asked) if each.startswith("FAILURE#")}
    assert queried <= {f"FAILURE#{hour}" for hour in places.last_hours()}


def test_a_failure_in_a_past_hour_is_grouped_although_the_others_are_in_memory(listed):
    since = clock.now() - timedelta(days=25)
    failure_groups.recent(since, clock.now())

    # when a task of a past hour fails late, and another one is deleted: the number of failures stays the same
    late = records.new(
        wire.Message("late", NAMES[0]), queue="shop", created=clock.now() - timedelta(hours=12, minutes=5)
    )
    lifecycle.close(late, Status.FAILURE, PermanentError("another reason"))
    old, new = records.get("task-001"), records.get("late")
    old.delete()
    counting.count(
        [
            counting.change_of("event-late", None, new.attribute_values),
            counting.change_of("event-deleted", old.attribute_values, None),
        ]
    )

    found = failure_groups.recent(since, clock.now())
    assert found["examined"] == TASKS
    assert [group["count"] for group in found["groups"] if group["message"] == "another reason"] == [1]


def test_the_overview_reads_unfinished_tasks_and_dead_letters_once(listed, aws, task_queues):
    aws.client("scheduler").create_schedule_group(Name=settings.stack())
    with requests_to_dynamodb() as asked, requests_to_dynamodb(consistent=True) as consistent:
        status, _, _ = browse("GET", "/", {})
    assert status == 200
    found = partitions(asked)
    assert {key: found[key] for key in records.active_keys()} == dict.fromkeys(records.active_keys(), 1)
    letters = [times for (_, request), times in consistent.items() if unredriven.KEY in request]
    assert letters == [1]
