"""The command palette (Ctrl-K) and the figures of charts, by keyboard and by touch."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations


def test_the_palette_opens_queues_items_and_tasks_and_performs_the_pages_actions(site, open_page):
    # when it opens, then its field has the focus
    page = open_page("/", "operator")
    page.keyboard.press("Control+k")
    find = page.locator("#palette").get_by_role("combobox")
    expect(find).to_be_focused()
    assert violations(page) == []
    # when words of a queue, a part of an item's name or a task's id are typed, then their pages open
    find.fill("queue index cards")
    expect(page.locator("#palette").get_by_role("option").first).to_contain_text("generate_index_cards")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/queues/generate_index_cards$"))
    name = site.items[0]["name"]
    page.keyboard.press("Control+k")
    find.fill(name[2:8].upper())
    expect(page.locator("#palette").get_by_role("option", name=f"Item {name}")).to_be_visible()
    page.locator("#palette").get_by_role("option", name=f"Item {name}").click()
    expect(page.locator("main h1")).to_have_text(name)
    page.keyboard.press("Control+k")
    find.fill(site.tasks["done"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(site.tasks["done"]))
    page.keyboard.press("Control+k")
    # when an action of the page is typed, then it is performed
    find.fill("action edit")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_have_text("Retry with other arguments")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(find).to_be_hidden()


def test_the_palette_lists_task_types_by_their_headings_with_the_full_name_behind(open_page):
    page = open_page("/", "viewer")
    page.keyboard.press("Control+k")
    page.keyboard.type("task type generate qr code")
    row = page.locator("#palette").get_by_role("option").filter(has_text=re.compile("^Task type"))
    expect(row).to_have_count(1)
    expect(row.locator("bdi")).to_have_text("Generate QR code")
    expect(row.locator(".about")).to_have_text("inventory.tasks.generate_qr_code")
    page.keyboard.press("Escape")


def test_a_charts_column_shows_its_figures_by_keyboard(open_page):
    page = open_page("/", "viewer")
    column = page.locator(".chart svg a").first
    column.focus()
    expect(page.locator(".chart [data-tip]").first).to_contain_text(re.compile(r"\d"))


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("viewer", []),
        ("operator", ["Retry", "Edit and retry"]),
        ("superuser", ["Retry", "Edit and retry", "Delete …"]),
    ],
)
def test_each_role_reaches_pages_and_its_own_actions_by_keyboard_alone(site, open_page, role, actions):
    # when actions are asked for, then those of the role are listed
    page = open_page(f"/tasks/{site.tasks['done']}", role)
    options = page.locator("#palette").get_by_role("option")
    page.keyboard.press("Control+k")
    page.keyboard.type("action")
    expect(options.filter(has_text=re.compile("^Action "))).to_have_text(
        [re.compile(f"^Action {each}$") for each in actions]
    )
    # when words of a page are typed, then arrows and Enter lead there
    for words, kind, path in (
        ("queue qr code", "Queue", "/queues/generate_qr_code"),
        ("task type card", "Task type", "/task-types/"),
        ("inventory.tasks.generate_qr", "Task type", "/task-types/"),
        (site.items[0]["name"], "Item", f"/items/{site.items[0]['id']}"),
        (site.tasks["done"], "Task", f"/tasks/{site.tasks['done']}"),
    ):
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(words)
        wanted = options.filter(has_text=re.compile(f"^{kind} ")).first
        expect(wanted).to_be_visible()
        while wanted.get_attribute("aria-selected") != "true":
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(re.escape(path)))
        page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_the_palette_does_what_a_notice_of_the_page_offers(site, open_page):
    site.stack.api.post("/v1/queues/generate_qr_code/pause", {})
    waiting = site.stack.api.submit("generate_qr_code", item_id=site.items[3]["id"])
    page = open_page(f"/tasks/{waiting}", "operator")
    page.keyboard.press("Control+k")
    page.keyboard.type("resume queue")
    expect(page.locator("#palette").get_by_role("option").first).to_contain_text("Resume queue")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("resumed")
    assert site.ended(waiting)["status"] == "SUCCESS"


def test_the_error_of_a_failed_task_comes_first_on_a_phone(site, open_page):
    page = open_page(f"/tasks/{site.tasks['failed']}", "viewer")
    page.set_viewport_size({"width": 360, "height": 740})
    error = page.locator("section", has=page.get_by_role("heading", name="Error", exact=True))
    tops = page.locator("main section.card").evaluate_all("all => all.map(each => each.getBoundingClientRect().top)")
    assert error.evaluate("each => each.getBoundingClientRect().top") == min(tops)
