"""Lists of tasks: every filter and pair of filters equals a plain filter of everything, across page boundaries."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from makertasks import clock, wire
from makertasks.errors import InvalidRequest
from makertasks.monitoring import listing
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

NAMES = ("shop.tasks.one", "shop.tasks.two", "shop.tasks.three")
ITEMS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", None)
WORKERS = ("one@aaaa", "two@bbbb")
TASKS = 32


def make_task(number: int, moment: datetime, chance: random.Random) -> TaskRecord:
    """A task in any status, created at `moment`."""
    message = wire.Message(task_id=f"task-{number:03}", name=chance.choice(NAMES))
    record = records.new(message, queue="shop", created=moment, item_id=chance.choice(ITEMS))
    lifecycle.create(record)
    status = chance.choice(list(Status))
    if status is Status.PENDING:
        return record
    claimed = lifecycle.claim(record, chance.choice(WORKERS), clock.now().timestamp() + 60)
    if status is Status.SUCCESS:
        lifecycle.succeed(claimed, {"number": number})
    elif status is Status.FAILURE:
        lifecycle.fail(claimed, ValueError("no"))
    elif status is Status.REVOKED:
        lifecycle.revoke_running(claimed, ValueError("revoked"))
    elif status is Status.RETRY:
        lifecycle.retry(claimed, ValueError("busy"), clock.now() + timedelta(hours=1))
    return claimed.record


@pytest.fixture
def shop(aws, tasks_table, counters_table):
    """Tasks over twenty hours in every status, some created in the same microsecond; all of them counted."""
    chance = random.Random(7)
    start = datetime.now(UTC) - timedelta(hours=20)
    moments = [start + timedelta(hours=chance.random() * 20) for _ in range(TASKS - 15)]
    moments += [moments[0]] * 5 + [datetime.now(UTC) - timedelta(minutes=chance.random() * 90) for _ in range(10)]
    made = [make_task(number, moment, chance) for number, moment in enumerate(moments)]
    images = [record.attribute_values for record in made]
    counting.count([counting.change_of(f"event-{number}", None, image) for number, image in enumerate(images)])
    return sorted((records.get(record.task_id) for record in made), key=lambda r: (r.created, r.id), reverse=True)


def pages(wanted, limit):
    """Every page of a list, joined."""
    cursor, found = None, []
    for _ in range(TASKS + 2):
        page = listing.page(wanted, limit=limit, cursor=cursor, names=NAMES)
        assert len(page.records) <= limit
        found += [record.task_id for record in page.records]
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def test_every_filter_and_pair_of_filters_is_correct_across_pages(shop):
    middle = shop[len(shop) // 2].created
    values = {
        "status": [Status.STARTED, Status.FAILURE],
        "name": [NAMES[0], "shop.tasks.none"],
        "item_id": [ITEMS[0]],
        "worker": [WORKERS[0]],
        "created_from": [middle],
        "created_to": [middle],
    }
    singles = [{field: value} for field, each in values.items() for value in each]
    pairs = [one | two for one, two in itertools.combinations(singles, 2) if one.keys() != two.keys()]
    for fields in [{}, *singles, *pairs]:
        wanted = listing.Filter(**{name: str(value) for name, value in fields.items()})
        expected = [record.task_id for record in shop if wanted.admits(record)]
        assert pages(wanted, 25) == expected, fields
    assert pages(listing.Filter(), 7) == [record.task_id for record in shop]
    assert pages(listing.Filter(status="FAILURE"), 1) == [r.task_id for r in shop if r.status == "FAILURE"]


def test_a_task_that_was_not_counted_yet_is_listed(aws, tasks_table, counters_table):
    make_task(1, datetime.now(UTC), random.Random(1))
    assert [r.task_id for r in listing.page(listing.Filter(), names=NAMES).records] == ["task-001"]


def test_a_cursor_belongs_to_its_query(aws, tasks_table, counters_table):
    for number in range(3):
        make_task(number, datetime.now(UTC), random.Random(number))
    cursor = listing.page(listing.Filter(), limit=2, names=NAMES).cursor
    with pytest.raises(InvalidRequest, match="cursor: belongs to another query"):
        listing.page(listing.Filter(status="FAILURE"), limit=5, cursor=cursor, names=NAMES)
    for forged in ("x", "WzFd", "eyJhIjoxfQ", "!!!"):
        with pytest.raises(InvalidRequest, match="cursor: "):
            listing.page(listing.Filter(), limit=5, cursor=forged, names=NAMES)


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_limit_outside_1_to_100_is_refused(limit):
    with pytest.raises(InvalidRequest, match="limit: must be between 1 and 100"):
        listing.page(listing.Filter(), limit=limit)


def test_expired_tasks_are_hidden_before_dynamodb_removes_them(aws, tasks_table, counters_table):
    record = make_task(1, datetime.now(UTC), random.Random(1))
    gone = TaskRecord.ttl.set(datetime.now(UTC) - timedelta(seconds=1))
    TaskRecord(record.id).update(actions=[gone])
    assert listing.page(listing.Filter(), names=NAMES).records == []


@pytest.mark.parametrize("minute", range(0, 60, 5))
def test_tasks_of_the_last_minutes_are_listed_before_they_are_counted(tasks_table, counters_table, monkeypatch, minute):
    present = datetime(2026, 11, 25, 10, minute, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: present)
    ages = range(-4, 15, 2)  # minutes; a producer's clock may be ahead
    for age in ages:
        message = wire.Message(task_id=f"task{age:+}", name=NAMES[0])
        lifecycle.create(records.new(message, queue="shop", created=present - timedelta(minutes=age)))
    found = listing.page(listing.Filter(name=NAMES[0]), names=NAMES).records
    assert [record.task_id for record in found] == [f"task{age:+}" for age in ages]
