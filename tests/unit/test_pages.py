"""Parts of the pages, without a browser: health, preferences, schedules, static files, addresses, templates."""

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
    completion,
    health,
    preferences,
    rendering,
    schedules,
    static_files,
)
from api.pages.addresses import address
from api.pages.task_lists import ListQuery
from api.requests import Request
from makertasks.errors import NotFound
from makertasks.monitoring import search as search_language

PAGES = Path(__file__).parents[2] / "functions/api/pages"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CARDS = "inventory.tasks.generate_index_cards"


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
    assert (trouble.text, trouble.link) == ("2 dead letters", "/messages")
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
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], check=False
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
        ("job: retry", "tasks", "/jobs"),
    ],
)
def test_the_audit_log_links_to_the_affected_object(action, target, page):
    assert activity.link({"action": action, "target": target}) == page


@pytest.mark.parametrize("template", sorted(rendering.TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_every_filter_and_test_of_a_template_exists(template):
    """Jinja reports a missing one only when it is evaluated, which may be in a rare branch."""
    environment = rendering.environment()
    parsed = environment.parse(template.read_text())
    assert {each.name for each in parsed.find_all(nodes.Filter)} <= environment.filters.keys()
    assert {each.name for each in parsed.find_all(nodes.Test)} <= environment.tests.keys()
