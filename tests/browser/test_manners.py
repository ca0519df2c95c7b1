"""How the pages behave: live updates, keyboard, preferences, sign-in, security headers, weight and speed."""

from __future__ import annotations

import re
import statistics
import time

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations

QR_CODE = "inventory.tasks.generate_qr_code"
# https://developer.chrome.com/docs/devtools/network: what travelled, headers included.
FIRST_LOAD_BYTES = 150_000
UPDATE_BYTES = 5_000


def row_of(page, task_id):
    return page.locator(f"tr[id='r{task_id}']")


def weight_of(page, act):
    """Bytes that travelled to the page while `act` ran, as the browser counted them."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes = []
    session.on("Network.loadingFinished", lambda finished: sizes.append(finished["encodedDataLength"]))
    act()
    page.wait_for_load_state("networkidle")
    return sum(sizes)


def test_new_tasks_come_by_themselves_and_statuses_change_in_place(site, open_page):
    page = open_page("/tasks", "operator")
    page.mouse.move(5, 5)
    task_id = site.stack.api.submit("generate_qr_code", item_id=site.items[0]["id"])
    expect(row_of(page, task_id)).to_be_visible(timeout=20_000)
    expect(row_of(page, task_id).locator(".status:not(td)")).to_have_text("SUCCESS", timeout=30_000)
    expect(page.locator("[data-age]")).to_contain_text("Updated")


def test_a_row_under_the_pointer_stays_where_it_is_and_new_ones_are_announced(site, open_page):
    page = open_page("/tasks", "operator")
    row = page.locator("tbody tr").nth(1)
    row.hover()
    first, place = row.get_attribute("id"), row.bounding_box()
    site.stack.api.submit("generate_qr_code", item_id=site.items[0]["id"])
    expect(page.locator(".fresh a")).to_contain_text("1 new task", timeout=20_000)
    row = page.locator("tbody tr").nth(1)
    assert (row.get_attribute("id"), row.bounding_box()) == (first, place)
    page.locator(".fresh a").click()
    expect(page.locator("tbody tr").nth(2)).to_have_attribute("id", first)


def test_pausing_stops_the_updates(site, open_page):
    page = open_page("/tasks", "operator")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-age]")).to_contain_text("Paused")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    task_id = site.stack.api.submit("generate_qr_code", item_id=site.items[0]["id"])
    site.ended(task_id)
    page.wait_for_timeout(6000)  # longer than an update would take to come
    assert asked == []
    page.get_by_role("button", name="Go on").click()
    expect(row_of(page, task_id)).to_be_visible(timeout=20_000)


def test_what_was_selected_stays_selected_through_an_update(site, open_page):
    page = open_page("/tasks", "operator")
    box = page.locator("tbody input[name=id]").nth(2)
    box.check()
    with page.expect_response(re.compile(r"/tasks\?.*shown=")):
        site.stack.api.submit("generate_qr_code", item_id=site.items[0]["id"])
    expect(page.locator(".fresh a")).to_be_visible(timeout=20_000)
    expect(box).to_be_checked()


def test_the_keyboard_walks_opens_searches_and_helps(open_page):
    page = open_page("/tasks", "operator")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tbody tr").nth(1).locator("input")).to_be_checked()
    wanted = page.locator("tbody tr").nth(1).locator("a").get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(wanted)))
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page).to_have_url(re.compile("/queues$"))


def test_colours_and_times_are_chosen_without_scripts_and_kept(open_page):
    page = open_page("/tasks?status=SUCCESS", "viewer", java_script_enabled=False)
    page.locator("header .menu summary").click()
    page.get_by_label("Colours").select_option("dark")
    page.get_by_label("Times").select_option("utc")
    page.get_by_role("button", name="Use these").click()
    expect(page).to_have_url(re.compile(r"/tasks\?status=SUCCESS$"))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("data-times", "utc")


@pytest.mark.parametrize(
    ("times", "pattern"),
    [("utc", r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"), ("relative", r"ago$|^now$"), ("local", r"\d\d:\d\d:\d\d")],
)
def test_times_are_written_as_chosen(site, open_page, times, pattern):
    page = open_page("/tasks", "viewer", timezone_id="Asia/Tokyo")
    page.context.add_cookies([{"name": "makertasks_times", "value": times, "url": site.address}])
    page.reload()
    expect(page.locator("tbody td.created time").first).to_have_text(re.compile(pattern))
    if times == "local":
        expect(page.locator("[data-zone]")).to_have_text("Times in Asia/Tokyo")


def test_every_state_of_the_list_has_an_address_and_pages_lead_back(site, open_page):
    for _ in range(3):
        for item in site.items[:10]:
            site.stack.api.submit("generate_qr_code", item_id=item["id"])
    page = open_page(f"/tasks?name={QR_CODE}", "viewer")
    page.get_by_role("button", name="Pause").click()
    ids = page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.id)")
    assert len(ids) == 25
    page.get_by_role("link", name="Next").click()
    expect(page.locator("nav.pages span")).to_have_text("Page 2")
    second = page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.id)")
    assert not set(ids) & set(second)
    page.goto(page.url)
    assert page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.id)") == second
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("nav.pages span")).to_have_text("Page 1")
    page.get_by_role("link", name="Runtime").click()
    expect(page.locator("th.runtime")).to_have_attribute("aria-sort", "descending")
    expect(page.locator("main")).to_contain_text("Sorted")


def test_the_list_drills_down_by_month_and_day(open_page):
    page = open_page("/tasks", "viewer")
    page.locator("nav.dates ul a").first.click()
    expect(page.locator("nav.dates [aria-current]")).not_to_have_text("All dates")
    page.locator("nav.dates ul a").last.click()
    page.locator("nav.dates ul a").last.click()
    expect(page.locator("nav.dates [aria-current]")).to_have_text(re.compile(r"\d\d:00"))
    assert page.locator("tbody tr").count() > 0


def test_signing_in_leads_back_to_the_page_and_signing_out_ends_it(site, open_page):
    page = site.context(None).new_page()
    page.goto("/tasks?status=SUCCESS")
    page.locator("input[name=username]:visible").fill("viewer")
    page.locator("input[name=password]:visible").fill(site.stack.sign_ins["viewer"].password)
    page.locator("input[name=password]:visible").press("Enter")
    expect(page).to_have_url(re.compile(r"/tasks\?status=SUCCESS$"))
    page.locator("header .menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("main h1")).to_have_text("Signed out")
    assert violations(page) == []
    page.goto("/tasks")
    expect(page.locator("input[name=password]:visible")).to_be_visible()
    page.context.close()


def test_policies_forbid_inline_code_and_other_sites_requests_are_refused(site, open_page):
    page = open_page("/tasks", "operator")
    answer = page.goto("/tasks")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert page.locator("[style], style, script:not([src]), [onclick], [onerror]").count() == 0
    other = f"http://other.localhost:{site.stack.aws.port}/"
    page.route(
        other,
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"""
        <form method="post" action="{site.address}/queues/generate_qr_code/pause"></form>""",
        ),
    )
    page.goto(other)
    with page.expect_navigation() as navigation:
        page.evaluate("document.forms[0].submit()")
    assert navigation.value.status in {303, 403} or "sign-in" in page.url
    [mapping] = site.stack.client("lambda").list_event_source_mappings(
        FunctionName=f"{site.stack.name}-generate_qr_code"
    )["EventSourceMappings"]
    assert mapping["State"] == "Enabled"


def test_the_list_is_light_and_its_updates_are_lighter(site, open_page):
    page = open_page("/activity", "operator")
    first = weight_of(page, lambda: page.goto("/tasks"))
    assert first < FIRST_LOAD_BYTES, first
    page.mouse.move(5, 5)

    def update():
        with page.expect_response(lambda answer: "known=" in answer.url and answer.status == 200, timeout=20_000):
            site.stack.api.submit("generate_qr_code", item_id=site.items[0]["id"])

    assert weight_of(page, update) < UPDATE_BYTES


@pytest.mark.parametrize(
    ("page", "calls"),
    [
        ("/tasks", ["/v1/tasks"]),
        ("/tasks/{done}", ["/v1/tasks/{done}"]),
        ("/task-types", ["/v1/task-types"]),
        ("/queues", ["/v1/queues"]),
        ("/workers", ["/v1/workers"]),
        ("/schedules", ["/v1/schedules"]),
        ("/items", ["/v1/items"]),
        ("/items/{item}", ["/v1/items/{item}", "/v1/tasks?item_id={item}"]),
    ],
)
def test_a_page_takes_at_most_twice_the_calls_that_give_what_it_shows(site, page, calls):
    values = {**site.tasks, "item": site.items[0]["id"]}

    def seconds(path):
        began = time.perf_counter()
        assert site.stack.api.request("GET", path.format(**values)).status_code == 200
        return time.perf_counter() - began

    # In turn, so that what else the machine does weighs on both.
    turns = [(seconds(page), sum(seconds(call) for call in calls)) for _ in range(8)][1:]
    ours, theirs = (statistics.median(column) for column in zip(*turns, strict=True))
    assert ours <= 2 * theirs
