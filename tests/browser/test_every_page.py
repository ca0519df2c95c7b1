"""Every page with each role: it opens, works without scripts, fits every width, and has no axe violations."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from api.pages.rendering import segment
from tests.browser.axe import COLOURS, violations
from tests.browser.content import HOSTILE_ID
from tests.browser.fit import misfits

PAGES = [
    "/",
    "/?range=day",
    "/?range=month",
    "/tasks",
    "/tasks?status=FAILURE&sort=-runtime",
    "/tasks?q=nothing-has-this",
    "/tasks/{done}",
    "/tasks/{failed}",
    "/tasks/{running}",
    "/tasks/{tried}",
    "/tasks/{hostile}",
    "/tasks/{done}/log",
    "/task-types",
    "/task-types/inventory.tasks.generate_index_cards",
    "/queues",
    "/queues/generate_qr_code",
    "/messages",
    "/workers",
    "/schedules",
    "/items",
    "/items/{item}",
    "/items/{hostile_item}",
    "/jobs",
    "/activity",
    "/alerts",
    "/failures/{cause}",
]
FORMS = [
    "/alerts/mail",
    "/tasks/{failed}/retry",
    "/items/print?id={item}",
    "/items/{item}/picture",
    "/tasks/{hostile}/log",
]
WIDTHS = (360, 768, 1280, 3840)
# Widths of phones, tablets and small laptops, at which no table may be cut off and no word broken.
NARROW = (360, 768, 1280)
# What pages offer only to operators and superusers, and only to superusers.
OPERATORS = {
    "/tasks": ["Run a task", "Retry …", "Revoke …"],
    "/tasks/{failed}": ["Retry", "Edit and retry"],
    "/tasks/{running}": ["Terminate …"],
    "/task-types/inventory.tasks.generate_index_cards": ["Run"],
    "/queues/generate_qr_code": ["Pause", "Purge …"],
    "/schedules": ["Run now", "Disable"],
    "/alerts": ["Send test", "Edit", "Delete", "Add alert"],
    "/failures/{cause}": ["Acknowledge", "Mute"],
    "/items": ["Print cards …"],
    "/items/{item}": ["Generate QR code", "Generate index card", "Fix picture", "Print card …"],
}
SUPERUSERS = {
    "/tasks": ["Delete …"],
    "/tasks/{failed}": ["Delete …"],
    "/task-types/inventory.tasks.generate_index_cards": ["Change limits"],
    "/queues/generate_qr_code": ["Save"],
}


def path_of(site, page):
    ids = {name: segment(task_id) for name, task_id in site.tasks.items()}
    cause = site.record(site.tasks["failed"])["fingerprint"]
    return page.format(**ids, cause=cause, item=site.items[0]["id"], hostile_item=site.hostile_item)


def words_missing(page, words):
    """Words of buttons and links that are missing; a row with the same words does not count."""
    offers = page.locator(":not(th a)")
    return [each for each in words if page.locator("main").get_by_text(each, exact=True).and_(offers).count() == 0]


def is_too_wide(page):
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("page", [*PAGES, *FORMS])
def test_a_page_is_accessible_in_both_themes_and_fits_every_width(site, open_page, page):
    found = open_page(path_of(site, page), "superuser")
    assert found.locator("main h1").count() == 1
    assert violations(found) == []
    found.emulate_media(color_scheme="dark")
    assert violations(found, COLOURS) == []
    too_wide = []
    for width in WIDTHS:
        found.set_viewport_size({"width": width, "height": 900})
        if is_too_wide(found):
            too_wide.append(width)
        if width in NARROW:
            assert (width, misfits(found)) == (width, [])
        if width == min(WIDTHS):
            assert violations(found) == []
    assert too_wide == []


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_can_read_every_page_without_scripts_and_sees_no_actions(site, open_page, page):
    found = open_page(path_of(site, page), "viewer", java_script_enabled=False)
    assert found.locator("main h1").is_visible()
    offers = [*OPERATORS.get(page, []), *SUPERUSERS.get(page, [])]
    assert words_missing(found, offers) == offers
    assert found.locator("main form[method=post]").count() == 0


@pytest.mark.parametrize("page", list(OPERATORS))
def test_an_operator_sees_the_operators_actions_and_a_superuser_more(site, open_page, page):
    found = open_page(path_of(site, page), "operator", java_script_enabled=False)
    beyond = SUPERUSERS.get(page, [])
    assert words_missing(found, OPERATORS[page]) == []
    assert words_missing(found, beyond) == beyond
    found = open_page(path_of(site, page), "superuser", java_script_enabled=False)
    assert words_missing(found, [*OPERATORS[page], *beyond]) == []


def test_actions_that_the_role_may_not_perform_are_refused(site, open_page):
    # given the actions of operators and of superusers
    operators = [
        "/tasks/bulk", "/tasks/{done}/retry", "/tasks/{running}/revoke", "/queues/generate_qr_code/pause",
        "/queues/generate_qr_code/resume", "/queues/generate_qr_code/purge", "/queues/generate_qr_code/redrive",
        "/schedules/update_average_lead_times/disable", "/schedules/update_average_lead_times/enable",
        "/schedules/update_average_lead_times/run", "/items", "/items/print", "/items/{item}",
        "/task-types/inventory.tasks.generate_qr_code", "/jobs/{done}/cancel", "/alerts", "/alerts/mail",
        "/alerts/mail/test", "/alerts/mail/delete",
    ]  # fmt: skip
    superusers = [
        "/tasks/{done}/delete", "/queues/generate_qr_code/concurrency",
        "/task-types/inventory.tasks.generate_qr_code/limits",
    ]  # fmt: skip
    # when other roles try them, then each is refused, nothing changes, and nothing is audited
    before = {name: site.record(site.tasks[name]) for name in ("done", "running")}
    for role, paths in (("viewer", operators + superusers), ("operator", superusers)):
        page = open_page("/activity", role)
        done_before = page.locator("main").inner_text()
        send = "path => fetch(path, {method: 'POST'}).then(answer => answer.status)"
        answers = {path: page.evaluate(send, path_of(site, path)) for path in paths}
        assert answers == dict.fromkeys(paths, 403)
        page.reload()
        assert page.locator("main").inner_text() == done_before
    assert {name: site.record(site.tasks[name]) for name in before} == before


def test_a_page_that_the_role_may_not_open_says_so(site, open_page):
    found = open_page(path_of(site, "/tasks/{done}/retry"), "viewer", status=403)
    assert "Permission denied" in found.locator("main h1").inner_text()
    assert violations(found) == []


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/tasks/there-is-none", 404, "Page not found"),
        ("/task-types/nothing", 404, "Page not found"),
        ("/no-such-page", 404, "Page not found"),
        ("/items/nonsense", 422, "Invalid request"),
        ("/tasks?cursor=nonsense", 422, "Tasks"),
    ],
)
def test_errors_have_their_own_pages(open_page, path, status, title):
    found = open_page(path, "viewer", status=status)
    assert title in found.locator("main h1").inner_text()
    assert violations(found) == []


def test_a_search_error_is_shown_under_the_box_with_its_column(open_page):
    found = open_page("/tasks?q=red+foo:bar", "viewer", status=422)
    assert "column 5" in found.locator(".below-search .mistake").inner_text()
    assert found.get_by_role("combobox", name="Search tasks").input_value() == "red foo:bar"
    assert violations(found) == []


def test_an_empty_system_is_reported_as_empty_and_healthy(empty_pages):
    sentences = {
        "/": "All systems normal",
        "/tasks": "No tasks yet",
        "/items": "No items yet",
        "/jobs": "No jobs yet",
        "/activity": "Nothing yet",
    }
    for path, (text, found) in empty_pages.items():
        assert sentences[path] in text
        assert found == []


def test_a_list_without_matches_does_not_claim_to_be_empty(open_page):
    found = open_page("/tasks?status=SUCCESS&name=makertasks.clean_media", "viewer")
    assert "No matching tasks" in found.locator("main").inner_text()
    found = open_page("/items?contains=qqq", "viewer")
    assert "No matching items" in found.locator("main").inner_text()


@pytest.mark.parametrize(
    "page",
    ["/", "/tasks?status=FAILURE", "/tasks/{hostile}", "/tasks/{long}", "/items", "/items/{hostile_item}", "/activity"],
)
def test_hostile_text_is_shown_and_has_no_effect(site, open_page, page):
    found = open_page(path_of(site, page))
    assert found.title() != "owned"
    assert found.locator("main script, main img[src=x], main b").count() == 0
    assert not is_too_wide(found)
    if page != "/activity":
        assert "<script>document.title='owned'</script>" in found.locator("main").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_attempt_has_a_row_with_times_worker_error_and_a_bar(site, open_page, theme):
    # given a task with four attempts
    page = open_page(path_of(site, "/tasks/{tried}"), "viewer")
    page.emulate_media(color_scheme=theme)
    rows = page.locator(".waterfall li")
    expected = [
        ("1", "RETRY", "waited 800 ms, ran 5.1 s", "did not respond within 5 s"),
        ("2", "RETRY", "waited 12 s, ran 1.3 s", "503 Service Unavailable"),
        ("3", "CRASHED", "waited 31 s, worker lost within 1 min 2 s", "was lost (crash, time-out or out of memory)"),
        ("4", "FAILURE", "waited 20 ms, ran 6.4 s", "did not respond within 5 s"),
    ]
    # then each attempt has its row
    assert rows.count() == len(expected)
    for number, texts in enumerate(expected):
        for text in (*texts, f"@0000000{number + 1}"):
            expect(rows.nth(number)).to_contain_text(text)
        start, end = rows.nth(number).locator("time").evaluate_all("times => times.map(time => time.dateTime)")
        assert start < end
    # and bars follow each other from left to right, wide enough to be visible, in the colours of their outcomes
    places = page.locator(".waterfall .run").evaluate_all(
        "bars => bars.map(bar => [bar.getBoundingClientRect().left, bar.getBoundingClientRect().right])"
    )
    assert all(right - left > 2 for left, right in places)
    assert all(right <= left + 1 for (_, right), (left, _) in pairwise(places))
    colours = page.locator(".waterfall .run").evaluate_all("bars => bars.map(bar => getComputedStyle(bar).fill)")
    assert colours[0] == colours[1]
    assert colours[2] == colours[3]
    assert len({*colours, "rgb(0, 0, 0)"}) == 3


def test_a_task_with_a_hostile_id_opens_from_the_list_and_shows_its_id(site, open_page):
    page = open_page("/tasks?status=FAILURE", "operator")
    row = page.locator("tbody tr", has=page.get_by_label(f"Select {HOSTILE_ID}", exact=True))
    row.locator("td.name a").click()
    page.locator("#task-id").wait_for()
    assert page.locator("#task-id").inner_text() == HOSTILE_ID
    # The part that updates by itself is found, too.
    page.locator("#log .note, #log .logs").first.wait_for()
    page.locator("header .menu summary").click()
    page.get_by_role("button", name="Save").click()
    page.locator("#task-id").wait_for()
