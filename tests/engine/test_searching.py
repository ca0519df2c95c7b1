"""Lists in both orders; repeated searches do not read finished tasks of past hours again."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from api_calls import pool  # noqa: F401 - a fixture
from browsing import browse
from test_listing import NAMES, TASKS, WORKERS, make_task, shop  # noqa: F401 - shop is a fixture

from api.pages import task_lists
from makertasks import clock, wire
from makertasks.monitoring import listing, places
from makertasks.monitoring.counters import counting
from makertasks.records import lifecycle
from makertasks.records import table as records
from makertasks.records.model import TaskRecord

EVERYTHING = listing.Filter(q="id:task")


def oldest_first(wanted, limit):
    """Every page, joined."""
    cursor, found = None, []
    for _ in range(TASKS + 2):
        page = listing.page(wanted, limit=limit, cursor=cursor, names=NAMES, oldest_first=True)
        found += [record.task_id for record in page.records]
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


@pytest.fixture
def reads(monkeypatch):
    """The keys of records and the index partitions that were read."""
    found = []
    get_many, entries = records.get_many, places._entries

    def counted(keys):
        wanted = list(keys)
        found.extend(wanted)
        return get_many(wanted)

    def noted(index, key, reading):
        found.append(key)
        return entries(index, key, reading)

    monkeypatch.setattr(records, "get_many", counted)
    monkeypatch.setattr(places, "_entries", noted)
    return found


def finished_task(task_id, moment):
    """A task of a past hour that succeeded and was counted."""
    record = records.new(wire.Message(task_id=task_id, name=NAMES[0]), queue="shop", created=moment)
    lifecycle.create(record)
    claimed = lifecycle.claim(record, WORKERS[0], clock.now().timestamp() + 60)
    lifecycle.succeed(claimed, {})
    counting.count([counting.change_of(f"event-{task_id}", None, claimed.record.attribute_values)])


@pytest.fixture
def tasks(tasks_table, counters_table, inventory_table, media_bucket, task_queues):
    """A stack's tables, without tasks."""


def ids(page):
    return [record.task_id for record in page.records]


def test_oldest_first_is_the_reverse_of_newest_first_across_pages_and_filters(shop):  # noqa: F811
    period = {"created_from": shop[-5].created, "created_to": shop[3].created}
    named = [{"status": "FAILURE"}, {"status": "STARTED"}, {"name": NAMES[0]}, {"worker": WORKERS[0]}, {"q": "id:task"}]
    for filters in [{}, period, *named]:
        wanted = listing.Filter(**filters)
        expected = [record.task_id for record in reversed(shop) if wanted.admits(record)]
        assert oldest_first(wanted, 7) == expected, filters


def test_a_second_search_reads_no_finished_task_of_a_past_hour_again(shop, reads):  # noqa: F811
    nothing = listing.Filter(q="id:none")
    listing.page(nothing, names=NAMES)
    first = list(reads)
    reads.clear()

    listing.page(nothing, names=NAMES)

    by_id = {record.id: record for record in shop}
    assert {key for key in first if key in by_id} == by_id.keys()
    assert not [key for key in reads if key in by_id and by_id[key].is_final]
    assert {key.rpartition("#")[2] for key in reads if key not in by_id} <= set(places.last_hours())
    # and a list in an order that no index has reads every match, or only the newest ones
    wanted = listing.Filter(name=NAMES[0])
    expected = [record.id for record in shop if wanted.admits(record)]
    found, is_complete = listing.newest(wanted, 500, names=NAMES)
    some, is_all = listing.newest(wanted, 2, names=NAMES)
    assert ([record.id for record in found], is_complete) == (expected, True)
    assert ([record.id for record in some], is_all) == (expected[:2], False)


def test_changes_in_a_past_hour_are_found_by_the_next_search(aws, tasks_table, counters_table):
    moment = datetime.now(UTC) - timedelta(hours=5)
    finished_task("task-1", moment)
    assert ids(listing.page(EVERYTHING, names=NAMES)) == ["task-1"]

    finished_task("task-2", moment + timedelta(microseconds=1))
    assert ids(listing.page(EVERYTHING, names=NAMES)) == ["task-2", "task-1"]

    TaskRecord(wire.result_key("task-1")).delete()
    assert ids(listing.page(EVERYTHING, names=NAMES)) == ["task-2"]


def test_a_finished_task_is_shown_as_it_is_now(aws, tasks_table, counters_table):
    finished_task("task-1", datetime.now(UTC) - timedelta(hours=5))
    listing.page(EVERYTHING, names=NAMES)

    TaskRecord(wire.result_key("task-1")).update(actions=[TaskRecord.retried_to.set(["another"])])

    [shown] = listing.page(EVERYTHING, names=NAMES).records
    assert shown.retried_to == ["another"]


def test_a_search_without_time_left_reports_its_progress_and_continues(aws, tasks_table, counters_table):
    for number in range(5):
        make_task(number, datetime.now(UTC) - timedelta(minutes=number), random.Random(number))
    wanted = listing.Filter(q="id:task-004")

    first = listing.page(wanted, limit=1, names=NAMES, seconds=0)
    second = listing.page(wanted, limit=1, cursor=first.cursor, names=NAMES, seconds=0)

    assert (ids(first), listing.reached(first.cursor)) == ([], records.get("task-001").created)
    assert listing.reached(second.cursor) == records.get("task-003").created
    assert ids(listing.page(wanted, limit=1, cursor=second.cursor, names=NAMES, seconds=0)) == ["task-004"]


def test_a_page_with_all_matches_has_no_next_page_however_little_time_it_had(aws, tasks_table, counters_table):
    for number in range(3):
        make_task(number, datetime.now(UTC) - timedelta(minutes=number), random.Random(number))
    page = listing.page(listing.Filter(), limit=5, names=NAMES, seconds=0)
    assert (len(page.records), page.cursor) == (3, None)


UPDATE = {"hx-request": "true"}


def rows_of(html):
    return re.findall(r'<tr id="r([^"]+)"', html)


def test_the_update_of_a_sorted_page_reads_only_its_rows_and_keeps_their_order(pool, tasks, monkeypatch):  # noqa: F811 - the fixture
    for number in range(3):
        finished_task(f"task-{number}", datetime.now(UTC) - timedelta(hours=number + 3))
    _, html, _ = browse("GET", "/tasks?sort=-runtime")
    [again] = re.findall(r'data-keep hx-get="([^"]+)"', html)
    monkeypatch.setattr(task_lists, "find", lambda _: pytest.fail("the list was read again"))
    TaskRecord(wire.result_key("task-1")).delete()

    shown = {"known": "", "shown": "task-2,task-1,task-0"}
    status, html, _ = browse("GET", unescape(again), query=shown, headers=UPDATE)

    assert (status, rows_of(html)) == (200, ["task-2", "task-0"])
    assert browse("GET", unescape(again), query={"known": ""}, headers=UPDATE)[0] == 204


def test_a_page_of_a_search_reports_its_progress_and_links_to_the_next(pool, tasks, monkeypatch):  # noqa: F811 - the fixture
    monkeypatch.setenv("SEARCH_STEP_SECONDS", "0")
    moment = datetime.now(UTC) - timedelta(hours=5)
    for number in range(30):
        finished_task(f"task-{number:03}", moment - timedelta(seconds=number))

    _, html, _ = browse("GET", "/tasks?q=id:task-029")

    assert "Searched back to" in html
    assert 'id="bulk"' in html  # for the rows that later steps add
    [on] = re.findall(r'data-go-on href="([^"]+)"', html)
    assert rows_of(browse("GET", unescape(on))[1]) == ["task-029"]


def test_a_step_of_a_search_reads_and_sends_only_the_list(pool, tasks, monkeypatch):  # noqa: F811 - the fixture
    # given a search of several steps
    monkeypatch.setenv("SEARCH_STEP_SECONDS", "0")
    moment = datetime.now(UTC) - timedelta(hours=5)
    for number in range(250):
        finished_task(f"task-{number:03}", moment - timedelta(seconds=number))
    html = browse("GET", "/tasks?q=id:task-249")[1]
    monkeypatch.setattr("api.pages.tasks.Shown.of", lambda *_: pytest.fail("the whole page was read"))

    # when the page's script takes them
    found = []
    while following := re.findall(r'data-go-on href="([^"]+)"', html):
        html = browse("GET", unescape(following[0]), query={"step": "yes"}, headers=UPDATE)[1]
        found.append(html)

    # then each has only the list, how far it came, and the link to the next one
    assert len(found) > 1
    assert ["Searched back to" in step for step in found] == [True] * (len(found) - 1) + [False]
    assert [rows_of(step) for step in found] == [[]] * (len(found) - 1) + [["task-249"]]
    assert not any("<html" in step or "data-complete" in step or "step=" in step for step in found)
    assert all('rel="next" class="as-button quiet" href=' in step for step in found[:-1])
