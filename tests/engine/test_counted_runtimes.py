"""Runtimes of counted tasks: buckets, periods and percentiles."""

from __future__ import annotations

from datetime import timedelta

from counter_samples import HOURS, changes, life

from makertasks import clock
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import counting, samples, statistics
from makertasks.monitoring.counters.cells import CounterCell


def test_a_runtimes_bucket_has_an_error_of_at_most_one_half(counters_table):
    counting.count(changes(life(1)))
    [cell] = list(CounterCell.query("2026-11-22"))
    [bucket] = cell.runtimes
    assert 0.2 <= counters.bucket_limit(int(bucket)) <= 0.2 * 1.42
    assert float(cell.runtime_sum) == 0.2


def test_runtimes_of_a_period_include_every_counted_task(counters_table):
    runtimes = [0.1] * 9 + [10.0]
    ended = [
        counting.Change(f"{n:012}", HOURS[0], "shop.tasks.one", {"SUCCESS": 1}, 0, s) for n, s in enumerate(runtimes)
    ]
    counting.count(ended)
    begun = clock.parse(f"{HOURS[0]}:00:00Z")
    counted = statistics.read(begun, begun + timedelta(hours=2))
    by_hour = statistics.runtimes_by_period(counted, len(HOURS[0]))
    assert list(by_hour) == [HOURS[0]]
    found = by_hour[HOURS[0]]["shop.tasks.one"]
    assert (found["count"], found["mean"]) == (10, 1.09)
    assert found["p50"] < 0.13
    assert found["p95"] > 7
    [by_name] = statistics.summary_of(counted)["by_name"]
    assert by_name["runtime"] == found


def runs_of(*seconds):
    """A cell that counted these runs one after the other."""
    cell = counters.CounterCell("2026-11-22", "09#shop.tasks.one")
    for number, each in enumerate(seconds):
        counting._add(
            cell, [counting.Change(str(number), "2026-11-22T09", "shop.tasks.one", {"SUCCESS": 1}, runtime=each)]
        )
    return cell


def test_percentiles_of_few_runs_are_those_runs():
    found = statistics._runtime_of([runs_of(0.1, 0.2, 0.3), runs_of(2.5)])
    assert (found["p50"], found["p95"], found["longest"], found["exact"]) == (0.2, 2.5, 2.5, True)


def test_percentiles_of_many_runs_are_estimates_and_never_above_the_longest():
    found = statistics._runtime_of([runs_of(*[1.0] * 101)])
    assert (found["exact"], found["longest"]) == (False, 1.0)
    assert max(found["p50"], found["p95"], found["p99"]) <= 1.0


def test_runs_counted_before_exact_runtimes_were_kept_are_estimated():
    cell = runs_of(0.1, 0.2)
    cell.samples = cell.longest = None  # as an earlier release wrote it
    counting._add(cell, [counting.Change("x", "2026-11-22T09", "shop.tasks.one", {"SUCCESS": 1}, runtime=0.3)])
    found = statistics._runtime_of([cell])
    assert (found["count"], found["exact"]) == (3, False)


def test_a_days_runtimes_are_those_of_its_hours():
    day = counters.CounterCell("2026-11", "22#shop.tasks.one")
    for hour in (runs_of(0.1, 0.2), runs_of(0.3)):
        day.add(hour)
    assert (samples.read(day.samples), day.longest) == ([0.1, 0.2, 0.3], 0.3)
    day.add(runs_of(0.2), -1)
    assert samples.read(day.samples) == [0.1, 0.3]
