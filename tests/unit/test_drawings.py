"""Drawings of the pages: stacked bars, lines, waterfalls."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.pages import (
    charts,
    timeline,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_stacked_bars_adjoin_and_stay_within_the_drawing():
    points = [
        charts.Point("a", "/a", {"x": 3, "y": 1}),
        charts.Point("b", "/b", {"x": 10}),
        charts.Point("c", "/c", {}),
    ]
    chart = charts.stacked(points, ["x", "y", "z"])
    assert chart.series == ["x", "y"]
    assert [column.total for column in chart.columns] == [4, 10, 0]
    first = chart.columns[0].bars
    assert first[0].y + first[0].height == charts.HEIGHT
    assert first[1].y + first[1].height == pytest.approx(first[0].y)
    assert all(bar.y >= 0 for column in chart.columns for bar in column.bars)
    assert charts.stacked([], []).is_empty


def test_a_line_chart_has_gaps_without_data_and_a_dot_for_every_value():
    points = [charts.Point(name, "/", {"p50": value}) for name, value in (("a", 40), ("b", 10), ("c", 0), ("d", 20))]
    chart = charts.lines(points, ["p50", "p95"])
    assert (chart.series, chart.top, chart.is_empty) == (["p50"], 40, False)
    [line] = chart.lines
    assert line.path == "M125.0 0.0L375.0 75.0M875.0 50.0"
    assert line.dots.count("h0") == 3
    assert charts.lines([charts.Point("a", "/", {})], ["p50"]).is_empty


def test_a_waterfall_shows_waits_and_runs_to_scale():
    attempts = [
        {
            "start": "2026-11-22T09:00:10Z",
            "end": "2026-11-22T09:00:20Z",
            "worker": "w",
            "outcome": "RETRY",
            "error": "e",
        },
        {"start": "2026-11-22T09:00:50Z", "end": None, "worker": "w", "outcome": "STARTED", "error": None},
    ]
    now = datetime(2026, 11, 22, 9, 1, 40, tzinfo=UTC)
    first, second = timeline.waterfall("2026-11-22T09:00:00Z", attempts, now)
    assert (first.waited, first.ran, first.wait_from, first.run_from, first.run_width) == (10, 10, 0, 100, 100)
    assert (second.waited, second.ran, second.wait_from, second.run_from, second.run_width) == (30, 50, 200, 500, 500)
    assert timeline.waterfall("2026-11-22T09:00:00Z", [], now) == []


def test_attempts_keep_their_numbers_if_only_the_newest_are_kept():
    attempts = [{"start": f"2026-11-22T09:0{minute}:00Z", "end": f"2026-11-22T09:0{minute}:30Z"} for minute in (1, 2)]
    bars = timeline.waterfall("2026-11-22T09:00:00Z", attempts, NOW, "2026-11-22T09:04:00Z", made=7)
    assert [bar.number for bar in bars] == [6, 7]
    # The task ended after its last attempt: the drawing continues to that time.
    assert bars[-1].run_from + bars[-1].run_width == timeline.WIDTH * 2.5 / 4


def test_a_very_short_attempt_can_be_seen_within_the_drawing():
    attempts = [{"start": "2026-11-22T10:00:00Z", "end": "2026-11-22T10:00:00Z", "outcome": "SUCCESS"}]
    [bar] = timeline.waterfall("2026-11-22T09:00:00Z", attempts, NOW)
    assert bar.run_width >= timeline.NARROWEST
    assert bar.run_from + timeline.NARROWEST <= timeline.WIDTH


def test_a_spike_is_cut_off_and_leaves_the_other_columns_readable():
    points = [charts.Point(str(n), f"/{n}", {"x": value, "y": 1}) for n, value in enumerate((4, 5, 3, 600, 4))]
    chart = charts.stacked(points, ["x", "y"])
    assert chart.top < 20
    assert [column.label for column in chart.cut] == ["3"]
    assert all(0 <= bar.y <= charts.HEIGHT and bar.height >= 0 for column in chart.columns for bar in column.bars)
    # Tooltips and tables keep the full figures.
    assert (chart.columns[3].total, chart.columns[3].bars[0].value) == (601, 600)
    assert chart.columns[0].bars[0].height > charts.HEIGHT / 5
    line = charts.lines(points, ["x"])
    assert ([column.label for column in line.cut], line.columns[3].bars[0].y) == (["3"], 0)


def test_a_failure_rate_may_be_zero_and_is_none_in_an_hour_without_tasks():
    points = [
        charts.Point("a", "/a", {"failed": 0}),
        charts.Point("b", "/b", {}),
        charts.Point("c", "/c", {"failed": 25}),
    ]
    chart = charts.lines(points, ["failed"], "%", least=0)
    assert [[bar.value for bar in column.bars] for column in chart.columns] == [[0], [], [25]]
    assert (chart.unit, chart.top) == ("%", 30)
