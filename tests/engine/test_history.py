"""What the sweep records for charts (queue lengths and deployments), and waiting times from the counters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from api_calls import call, pool, token  # noqa: F401 - the fixture
from echo_task import NAME
from lambda_queue import LambdaContext

from makertasks import clock
from makertasks.monitoring import history
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import counting, statistics
from makertasks.records.states import Status
from sweeper import handler as sweeper

NOW = clock.parse("2026-11-22T09:30:00Z")


@pytest.fixture
def fixed_clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def sweep(aws, echo, counters_table):
    """Runs the sweep's function with a queue that no function consumes."""
    aws.client("sqs").create_queue(QueueName="unit-dead-letters")
    return lambda: sweeper.handler({}, LambdaContext(seconds=60))


def lengths(queue="echo", back=timedelta(days=1)):
    return list(history.lengths(queue, clock.now() - back, clock.now()))


def test_the_most_waiting_messages_of_an_hour_are_kept(sweep, echo, fixed_clock):
    # given two tasks that wait at one sweep, three at the next, and none at the third
    for number in range(2):
        echo.submit(task_id=f"a{number}")
    sweep()
    echo.submit(task_id="b")
    sweep()
    echo.queue.deliver()
    sweep()
    assert lengths() == [("2026-11-22T09", 3)]
    # and the next hour has its own figure, for this queue only
    fixed_clock.move_to(NOW + timedelta(hours=1))
    echo.submit(task_id="c")
    sweep()
    assert lengths() == [("2026-11-22T09", 3), ("2026-11-22T10", 1)]
    assert lengths("other") == []
    assert lengths(back=timedelta(minutes=20)) == [("2026-11-22T10", 1)]


def test_lengths_of_several_months_are_read(sweep, echo, fixed_clock):
    fixed_clock.move_to(clock.parse("2026-10-31T23:30:00Z"))
    echo.submit(task_id="a")
    sweep()
    echo.queue.deliver()
    fixed_clock.move_to(clock.parse("2026-12-01T00:10:00Z"))
    echo.submit(task_id="b")
    sweep()
    assert lengths(back=timedelta(days=40)) == [("2026-10-31T23", 1), ("2026-12-01T00", 1)]


def test_the_sweep_of_an_idle_stack_calls_no_queue_and_writes_nothing(sweep, counters_table, aws):
    sweep()
    assert aws.client("dynamodb").scan(TableName="unit-counters")["Items"] == []


def test_a_deployment_and_its_rollback_are_each_noted_once(sweep, fixed_clock, monkeypatch):
    for number, build in enumerate(["1" * 64, "1" * 64, "2" * 64, "1" * 64]):
        monkeypatch.setenv("BUILD", build)
        fixed_clock.move_to(NOW + timedelta(minutes=5 * number))
        sweep()
    seen = history.deployments(NOW, clock.now())
    assert [each.build for each in seen] == ["1" * 12, "2" * 12, "1" * 12]
    assert [each.moment[11:16] for each in seen] == ["09:30", "09:40", "09:45"]
    assert history.deployments(NOW - timedelta(days=1), NOW - timedelta(hours=1)) == []


def started(number, waited, eta=None):
    """The change of a task that starts the given number of seconds after its submission or its ETA."""
    created = "2026-11-22T09:00:00.000000Z"
    begins = clock.parse(eta or created) + timedelta(seconds=waited)
    old = {"name": "shop.one", "created": created, "status": "PENDING", "eta": eta}
    new = {**old, "status": "STARTED", "started": clock.text(begins)}
    return counting.change_of(f"{number:032}", old, new)


def test_waiting_times_start_at_the_submission_or_the_eta(counters_table, fixed_clock):
    # given tasks that wait 2 and 4 seconds, and one 6 seconds after its ETA
    counting.count([started(1, 2), started(2, 4), started(3, 6, eta="2026-11-22T09:20:00.000000Z")])
    counted = statistics.read(NOW - timedelta(hours=1), NOW)
    assert statistics.waits_by_period(counted, 13, {"shop.one"}) == {"2026-11-22T09": {"mean": 4.0, "longest": 6.0}}
    assert statistics.waits_by_period(counted, 13, {"shop.two"}) == {}


def test_a_retry_or_a_second_delivery_counts_no_waiting_time():
    old = {"name": "shop.one", "created": "2026-11-22T09:00:00.000000Z", "status": str(Status.RETRY)}
    new = {**old, "status": "STARTED", "started": "2026-11-22T09:10:00.000000Z"}
    assert counting.change_of("1" * 32, old, new).waited is None
    assert counting.change_of("1" * 32, {**old, "status": "PENDING"}, {**new, "started": "never"}).waited is None


def test_days_and_totals_add_the_waiting_times_of_their_hours():
    def cell(*waits):
        made = counters.CounterCell("2026-11-22", "09#shop.one")
        made.waits, made.wait_sum, made.longest_wait = len(waits), sum(waits), max(waits)
        return made

    day = counters.CounterCell("2026-11", "22#shop.one")
    for hour in (cell(1.0, 2.0), cell(5.0)):
        day.add(hour)
    assert (day.waits, day.wait_sum, day.longest_wait) == (3, 8.0, 5.0)
    gained = cell(1.0, 2.0, 5.0, 7.0)
    gained.add(day, -1)
    assert (gained.waits, gained.wait_sum) == (1, 7.0)
    day.add(gained)
    assert (day.waits, day.wait_sum, day.longest_wait) == (4, 15.0, 7.0)


def past(**query):
    """The history of a queue as the API returns it."""
    given = {"created_to": clock.text(NOW), **query}
    return call("GET", "/v1/queues/echo/history", query=given, bearer=token("viewers"))[:2]


@pytest.mark.usefixtures("pool", "counters_table", "fixed_clock")
def test_the_history_of_a_queue_has_waiting_times_and_lengths_by_hour_or_by_day(echo, sweep):
    # given a task that waited four seconds, and two that waited at a sweep
    counting.count([replace(started(1, 4), name=NAME)])
    echo.submit(task_id="a")
    echo.submit(task_id="b")
    sweep()

    status, found = past()
    _, by_day = past(created_from=clock.text(NOW - timedelta(days=9)))
    _, before = past(created_from="2026-11-01", created_to="2026-11-02")

    wait = {"mean": 4.0, "longest": 4.0}
    assert (status, found["queue"], found["step"]) == (200, "echo", "hour")
    assert found["periods"] == [{"period": "2026-11-22T09", "wait": wait, "most_waiting": 2}]
    assert by_day["periods"] == [{"period": "2026-11-22", "wait": wait, "most_waiting": 2}]
    assert before["periods"] == []
    status, said = past(created_from="2026-11-30")
    assert (status, said["field"]) == (422, "created_to")


def test_no_mean_waiting_time_is_longer_than_the_longest(counters_table, fixed_clock):
    counting.count([started(1, 0.0018)])
    [wait] = statistics.waits_by_period(statistics.read(NOW - timedelta(hours=1), NOW), 13, {"shop.one"}).values()
    assert wait == {"mean": 0.002, "longest": 0.002}
