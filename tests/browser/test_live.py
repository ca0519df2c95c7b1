"""Live updates of an open page: new rows, statuses and counts, without moving what the reader is using.

Pages poll every few seconds; these tests advance the page's clock instead of waiting.
"""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.axe import in_both_themes
from tests.browser.loading import loaded_bytes, requests_by_scripts
from tests.waiting import wait_for

UPDATE_SECONDS = 6
# Maximum size of a live update on the wire, headers included.
UPDATE_BYTES = 5_000
A_PAGE = 25


def row_of(page, task_id):
    return page.locator(f"tr[id='r{task_id}']")


def submit(site):
    return site.stack.api.submit("generate_qr_code", item_id=site.items[0]["id"])


def update(page):
    """Advance the clock and return the response of the page's next update."""
    with page.expect_response(lambda answer: "known=" in answer.url) as asked:
        page.clock.fast_forward(UPDATE_SECONDS * 1000)
    return asked.value


def test_new_tasks_appear_automatically_and_statuses_change_in_place(site, open_page):
    page = open_page("/tasks", "operator", clock=True)
    page.mouse.move(5, 5)
    task_id = submit(site)
    update(page)
    expect(row_of(page, task_id)).to_be_visible()
    site.ended(task_id)
    update(page)
    expect(row_of(page, task_id).locator(".status:not(td)")).to_have_text("SUCCESS")
    expect(page.locator("[data-age]")).to_contain_text("Updated")


def test_a_row_under_the_pointer_does_not_move_and_new_rows_are_announced(site, open_page):
    page = open_page("/tasks", "operator", clock=True)
    row = page.locator("tbody tr").nth(1)
    row.hover()
    first, place = row.get_attribute("id"), row.bounding_box()
    submit(site)
    update(page)
    expect(page.locator(".fresh a")).to_contain_text("1 new task")
    row = page.locator("tbody tr").nth(1)
    assert (row.get_attribute("id"), row.bounding_box()) == (first, place)
    page.locator(".fresh a").click()
    expect(page.locator("tbody tr").nth(2)).to_have_attribute("id", first)


def test_a_focused_row_and_selected_rows_do_not_move(site, open_page):
    page = open_page("/tasks", "operator", clock=True)
    box = page.locator("tbody input[name=id]").nth(2)
    box.check()
    order = page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.id)")
    submit(site)
    update(page)
    expect(page.locator(".fresh a")).to_be_visible()
    expect(box).to_be_checked()
    assert page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.id)") == order


def test_pausing_stops_updates_and_resuming_catches_up(site, open_page):
    page = open_page("/tasks", "operator", clock=True)
    page.mouse.move(5, 5)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-age]")).to_contain_text("Paused")
    asked = requests_by_scripts(page)
    task_id = submit(site)
    page.clock.fast_forward(60_000)
    expect(page.locator("[data-age]")).to_contain_text("1 minute ago")
    assert asked == []
    page.get_by_role("button", name="Resume").click()
    page.mouse.move(5, 5)
    expect(row_of(page, task_id)).to_be_visible()


def test_a_hidden_tab_sends_no_requests_until_it_is_visible_again(open_page):
    page = open_page("/tasks", "viewer", clock=True)
    asked = requests_by_scripts(page)
    # when the reader switches to another tab for an hour
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.isHidden, configurable: true})")
    page.evaluate("window.isHidden = true")
    page.clock.fast_forward(3_600_000)
    assert asked == []
    # then the page has sent no requests, and is updated as soon as the reader returns
    with page.expect_response(lambda answer: "known=" in answer.url):
        page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_an_update_that_fails_is_reported_and_the_page_recovers(open_page):
    page = open_page("/tasks", "viewer", clock=True)
    page.route(re.compile(r"/tasks\?.*known="), lambda route: route.fulfill(status=400, body="no"))
    update(page)
    expect(page.locator("[data-age]")).to_contain_text("Connection lost; last updated")
    assert page.locator("tbody tr").count() > 0
    page.unroute_all()
    update(page)
    expect(page.locator("[data-age]")).to_contain_text("Updated")


def test_an_ended_session_is_reported_with_a_sign_in_link_and_stops_updates(open_page):
    page = open_page("/tasks?status=SUCCESS", "viewer", clock=True)
    page.context.clear_cookies()
    update(page)
    banner = page.locator("[data-lost=session]")
    expect(banner).to_be_visible()
    expect(page.locator("[data-age]")).to_contain_text("Signed out; last updated")
    assert in_both_themes(page) == []
    asked = requests_by_scripts(page)
    page.clock.fast_forward(60_000)
    assert asked == []
    back = banner.get_by_role("link", name="Sign in and return to this page")
    expect(back).to_have_attribute("href", "/sign-in?next=%2Ftasks%3Fstatus%3DSUCCESS")


def test_a_lost_network_is_reported_and_updates_resume_when_it_returns(open_page):
    page = open_page("/tasks", "viewer", clock=True)
    page.context.set_offline(True)
    banner = page.locator("[data-lost=network]")
    expect(banner).to_be_visible()
    assert in_both_themes(page) == []
    page.context.set_offline(False)
    expect(banner).to_be_hidden()
    update(page)
    expect(page.locator("[data-age]")).to_contain_text("Updated")


def test_an_update_is_small_and_one_without_changes_is_empty(site, open_page):
    page = open_page("/tasks", "operator", clock=True)
    page.mouse.move(5, 5)
    assert page.locator("tbody tr").count() == A_PAGE
    sizes = loaded_bytes(page)
    statuses = []
    page.on("response", lambda answer: statuses.append(answer.status) if "known=" in answer.url else None)
    site.ended(submit(site))
    wait_for(lambda: update(page) and 200 in statuses, "an update with news")
    wait_for(lambda: update(page) and 204 in statuses, "an update without")
    page.wait_for_load_state("networkidle")
    assert 0 < max(sizes) < UPDATE_BYTES


def test_the_overview_links_to_a_failures_reason_and_remedy(site, open_page):
    page = open_page("/", "operator")
    expect(page.locator(".banner h2")).to_have_text("Action needed")
    page.locator(".banner a", has_text=re.compile("failures? in the last hour")).click()
    row_of(page, site.tasks["failed"]).locator("td.name a").click()
    expect(page.locator("#outcome")).to_have_text("Error")
    expect(page.locator("#traceback")).to_contain_text("Traceback")
    page.get_by_role("button", name="Retry", exact=True).hover()
    page.get_by_role("link", name="Edit and retry").click()
    expect(page.get_by_label("item id")).to_have_value("no-uuid")
