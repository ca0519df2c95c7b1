"""Parts of the pages, without a browser: forms, charts, waterfalls, calendars, addresses, static files."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import nodes

from api.pages import (
    activity,
    calendar,
    charts,
    completion,
    filter_counts,
    forms,
    health,
    periods,
    preferences,
    rendering,
    schedules,
    static_files,
    timeline,
)
from api.pages.addresses import address
from api.pages.task_lists import ListQuery
from api.requests import Request
from makertasks import tasks
from makertasks.errors import InvalidRequest, NotFound
from makertasks.monitoring import search as search_language
from makertasks.monitoring.counters import counting
from makertasks.records.states import Status

PAGES = Path(__file__).parents[2] / "functions/api/pages"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CARDS = "inventory.tasks.generate_index_cards"


def test_a_form_has_a_field_for_each_argument_and_parses_its_own_values():
    schema = tasks.find(CARDS).schema()
    kwargs = {"item_ids": ["a", "b"], "blank": True, "skip": 2, "stock": "a4-3x8", "used": [1, 3]}
    kwargs |= {"offset_right": 1.5, "offset_down": -2, "test_page": True}
    fields = forms.fields(schema, kwargs)
    assert [(field.name, field.kind, field.required) for field in fields] == [
        ("item_ids", "lines", True), ("blank", "yes-no", False), ("skip", "number", False), ("stock", "choice", False),
        ("used", "json", False), ("offset_right", "number", False), ("offset_down", "number", False),
        ("test_page", "yes-no", False),
    ]  # fmt: skip
    assert fields[0].is_item
    assert (fields[2].minimum, fields[2].maximum) == ("0", "99")
    assert "a4-3x8" in fields[3].choices
    assert forms.read(schema, {field.input_name: field.value for field in fields}) == kwargs


def test_an_empty_optional_field_is_left_out():
    schema = tasks.find(CARDS).schema()
    assert forms.read(schema, {"kwargs.item_ids": "a\r\n\r\n b ", "kwargs.skip": ""}) == {"item_ids": ["a", "b"]}


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"enum": ["a", "b"]}, "choice"),
        ({"type": "object"}, "json"),
        ({"type": "array", "items": {"type": "integer"}}, "json"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "json"),
        ({}, "json"),
    ],
)
def test_a_form_field_matches_its_argument_type(definition, kind):
    assert forms.kind_of(definition)[0] == kind


def test_invalid_numbers_and_json_are_reported_with_their_field():
    schema = {"properties": {"count": {"type": "integer"}, "data": {"type": "object"}}}
    with pytest.raises(InvalidRequest, match=r"kwargs\.count: must be a number, not 'many'"):
        forms.read(schema, {"kwargs.count": "many"})
    with pytest.raises(InvalidRequest, match=r"kwargs\.data: must be JSON"):
        forms.read(schema, {"kwargs.data": "{"})
    assert forms.read(schema, {"kwargs.count": "3", "kwargs.data": '{"a": [1]}'}) == {"count": 3, "data": {"a": [1]}}


def test_differences_name_what_was_changed_added_and_removed():
    found = forms.differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 6})
    assert [(each["argument"], each["before"], each["after"]) for each in found] == [
        ("b", 2, 5), ("c", 3, None), ("d", None, 6),
    ]  # fmt: skip


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


def test_periods_are_whole_and_each_leads_to_its_tasks():
    wanted = periods.RANGES["hour"]
    points = periods.points(wanted, NOW, [("2026-11-22T08", {"SUCCESS": 2}), ("2026-11-20T08", {"SUCCESS": 9})])
    assert len(points) == 24
    assert points[-2].values == {"SUCCESS": 2}
    assert points[-2].link == (
        "/tasks?created_from=2026-11-22T08%3A00%3A00Z&created_to=2026-11-22T08%3A59%3A59.999999Z"
    )
    months = periods.columns(periods.RANGES["month"], datetime(2026, 2, 1, tzinfo=UTC))
    assert (months[0], months[-1], len(months)) == ("2025-03", "2026-02", 12)
    assert len(periods.columns(periods.RANGES["day"], NOW)) == 30


def test_the_calendar_narrows_from_years_to_hours(counters_table):
    changes = [
        counting.change_of(f"{number:032x}", None, {"name": "a", "created": created, "status": Status.SUCCESS})
        for number, created in enumerate(["2026-11-22T09:10:00Z", "2026-11-22T09:20:00Z", "2026-11-03T01:00:00Z"])
    ]
    counting.count([change for change in changes if change])
    everything = calendar.calendar("", "")
    assert [period.label for period in everything.path] == ["All dates", "2026"]
    november = everything.within[0]
    days = calendar.calendar(november.created_from, november.created_to)
    assert [(day.label, day.count) for day in days.within] == [("3", 1), ("22", 2)]
    last = days.within[-1]
    hours = calendar.calendar(last.created_from, last.created_to)
    assert [(hour.label, hour.count) for hour in hours.within] == [("09:00", 2)]
    hour = hours.within[0]
    found = calendar.calendar(hour.created_from, hour.created_to)
    assert [period.label for period in found.path] == ["All dates", "2026", "November", "22", "09:00"]
    assert calendar.calendar(last.created_from, last.created_to, status="FAILURE").within == []
    assert calendar.calendar("2026-11-02", "2026-11-09").within == []
    assert calendar.calendar("2026-99-01", "nonsense").within == []


@dataclass
class Counted:
    """Counted tasks: two names and statuses, in two years."""

    quick = tuple(calendar.quick("2026-11-22", "2026-11-16"))

    def __post_init__(self):
        moments = ["2025-11-22T09:10:00Z", "2026-10-31T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-22T09:20:00Z"]
        tasks = [("a", Status.SUCCESS, moment) for moment in moments] + [("b", Status.FAILURE, moments[-1])]
        changes = [
            counting.change_of(f"{number:032x}", None, {"name": name, "created": created, "status": status})
            for number, (name, status, created) in enumerate(tasks)
        ]
        counting.count([change for change in changes if change])

    def quickly(self, **filters):
        """Counts of the date filters."""
        return [period.count for period in filter_counts.read(filters, self.quick)[1]]

    def of(self, **filters):
        """Counts of the filters; None if the counters do not include them."""
        return filter_counts.read(filters, self.quick)[0]


def test_filters_are_counted_by_name_status_and_date(counters_table):
    counted = Counted()
    assert counted.of() == filter_counts.Counts(5, {"SUCCESS": 4, "FAILURE": 1}, {"a": 4, "b": 1})
    assert counted.of(status="SUCCESS", name="a") == filter_counts.Counts(
        4, {"SUCCESS": 4, "FAILURE": 0}, {"a": 4, "b": 0}
    )
    assert (counted.quickly(), counted.quickly(status="FAILURE")) == ([2, 3, 3, 4], [1, 1, 1, 1])
    year, hour = calendar.year("2026"), calendar.hour("2026-11-22T09")
    assert counted.of(created_from=year.created_from, created_to=year.created_to).total == 4
    assert counted.of(created_from=hour.created_from, created_to=hour.created_to).total == 2


@pytest.mark.parametrize(
    "filters",
    [
        {"q": "drill"},
        {"item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7"},
        {"worker": "a@1"},
        {"scheduled": "true"},
        {"created_from": "2026-11-22T09:10:00Z"},
        {"created_from": "2020-01-01", "created_to": "2020-13-45T00"},
    ],
)
def test_filters_without_a_counter_have_no_count(counters_table, filters):
    assert Counted().of(**filters) is None


@dataclass
class Running:
    """The attributes of a record that show that its worker is lost."""

    lease: float


def queue(**changes):
    running = {"name": "a", "waiting": 0, "dead": 0, "oldest_seconds": None, "state": "running"}
    return {**running, **changes}


def test_an_idle_system_reports_no_problem():
    assert health.troubles(0, "", [queue()], []) == []


@pytest.mark.parametrize(
    ("found", "words", "is_grave"),
    [
        (queue(oldest_seconds=1000.0), "a: the oldest message has waited for 16 min 40 s", True),
        (queue(state="paused", waiting=3), "a is paused, 3 messages waiting", False),
        (queue(state="paused", waiting=1), "a is paused, 1 message waiting", False),
    ],
)
def test_a_queue_in_trouble_is_reported(found, words, is_grave):
    assert [(each.text, each.is_grave) for each in health.troubles(0, "", [found], [])] == [(words, is_grave)]


def test_unreadable_messages_of_all_queues_lead_to_the_page_that_lists_them():
    [trouble] = health.troubles(0, "", [queue(dead=1)], [], 2)
    assert (trouble.text, trouble.link) == ("2 unreadable messages", "/messages")
    assert not trouble.is_grave


def test_failures_and_lost_workers_are_reported_with_where_to_look():
    lost = health.stuck([Running(NOW.timestamp() - 3600), Running(NOW.timestamp() + 60)], NOW)
    texts = [each.text for each in health.troubles(3, "2026-11-22T08:30:00Z", [], lost)]
    assert texts == ["3 unacknowledged failures in the last hour", "1 task stuck: worker lost"]


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: b=c", ""]
)
def test_the_preferences_form_redirects_only_within_the_site(path):
    reply = preferences.choose(preferences.Choice(theme="dark", times="utc", back=path))
    assert reply.headers["Location"] == "/"


def test_preferences_are_kept_and_unknown_ones_ignored():
    reply = preferences.choose(preferences.Choice(theme="dark", times="utc", back="/tasks?q=1"))
    assert reply.headers["Location"] == "/tasks?q=1"
    assert preferences.Preferences.of(
        {"makertasks_theme": "dark", "makertasks_times": "<b>"}
    ) == preferences.Preferences("dark", "local")
    assert any(cookie.startswith("makertasks_refresh=auto; ") for cookie in reply.cookies)
    assert preferences.Preferences.of({"makertasks_refresh": "off"}).refresh == "off"


def test_the_search_box_suggests_every_field_of_the_search_language():
    offered = completion.offered()
    assert offered["fields"].keys() == search_language.FIELDS.keys()
    assert offered["values"].keys() <= search_language.FIELDS.keys()
    assert "generate_qr_code" in offered["values"]["name"]


def test_schedules_are_described_in_words_with_their_next_three_runs():
    schedule = {
        "expression": "cron(0 3 * * ? *)",
        "timezone": "Europe/Berlin",
        "next_run": "2026-11-23T02:00:00.000000Z",
    }
    runs = schedules.runs(schedule)
    assert [run["utc"][:16] for run in runs] == ["2026-11-23T02:00", "2026-11-24T02:00", "2026-11-25T02:00"]
    assert runs[0]["there"] == "Mon 03:00"
    assert schedules.words("cron(15 12 ? * 6#3 *)") == "At 12:15, on the third Friday of the month"


def test_a_static_file_is_cached_forever_under_its_current_name_and_briefly_under_an_old_one():
    current = static_files.address("pages.css").removeprefix("/static/")
    zipped = Request("GET", "/", headers={"accept-encoding": "gzip"})
    reply = static_files.static_file(current, zipped)
    assert "immutable" in reply.headers["Cache-Control"]
    assert gzip.decompress(reply.body) == static_files.static_file(current, Request("GET", "/")).body
    assert static_files.static_file("pages.0.css", zipped).headers["Cache-Control"] == static_files.FOR_A_MINUTE
    with pytest.raises(NotFound):
        static_files.static_file("../handler.py", zipped)


def test_a_lists_url_contains_its_state_and_a_new_sort_order_starts_at_the_first_page():
    query = ListQuery(status="FAILURE", cursor="c", before="a.b", page=4)
    assert query.turned() == "/tasks?status=FAILURE&cursor=c&before=a.b&page=4"
    assert query.link(sort="-runtime") == "/tasks?status=FAILURE&sort=-runtime"
    order = query.order("runtime")
    assert (order.aria, order.link) == ("none", "/tasks?status=FAILURE&sort=-runtime")
    assert ListQuery(sort="-runtime").order("runtime").link == "/tasks?sort=runtime"
    assert ListQuery(sort="runtime").order("runtime").link == "/tasks"
    assert address("/tasks", {"q": 'a&b="c"'}) == "/tasks?q=a%26b%3D%22c%22"


def test_templates_mark_nothing_safe_but_their_own_text_and_hold_no_inline_code():
    for template in (PAGES / "templates").glob("*.html"):
        text = template.read_text()
        # Markup of the template itself, without data from records.
        text = text.replace("{{ described|safe }}", "").replace(
            "{{ ' aria-invalid=\"true\"'|safe if field.mistake }}", ""
        )
        assert "|safe" not in text, template.name
        assert not re.search(r"\sstyle=\"[^\"]|\son\w+=|<style|<script(?! src=)|javascript:|autoescape", text), (
            template.name
        )


def test_json_routes_do_not_import_jinja():
    code = "import sys, api.pages; sys.exit('jinja2' in sys.modules or 'cron_descriptor' in sys.modules)"
    path = [str(PAGES.parents[1]), str(PAGES.parents[2] / "layers/makertasks/python")]
    done = subprocess.run(  # noqa: S603 - this test's own text
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], check=False, timeout=60
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("action", "target", "page"),
    [
        ("pause queue", "generate_qr_code", "/queues/generate_qr_code"),
        ("change limits", CARDS, f"/task-types/{CARDS}"),
        ("run schedule", "nightly", "/schedules"),
        ("mute failures", "0f3a", "/failures/0f3a"),
        ("revoke", "a/b", "/tasks/a%252Fb"),
        ("delete", "gone", ""),
        ("job: retry", "tasks", ""),
    ],
)
def test_the_audit_log_links_to_the_affected_object(action, target, page):
    assert activity.link({"action": action, "target": target}) == page


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


@pytest.mark.parametrize("template", sorted(rendering.TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_every_filter_and_test_of_a_template_exists(template):
    """Jinja reports a missing one only when it is evaluated, which may be in a rare branch."""
    environment = rendering.environment()
    parsed = environment.parse(template.read_text())
    assert {each.name for each in parsed.find_all(nodes.Filter)} <= environment.filters.keys()
    assert {each.name for each in parsed.find_all(nodes.Test)} <= environment.tests.keys()
