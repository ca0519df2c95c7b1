"""The task search box: suggestions by keyboard, searches saved in the browser, and the update interval."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.axe import in_both_themes
from tests.browser.loading import requests_by_scripts


def box(page):
    return page.get_by_role("combobox", name="Search tasks")


def options(page):
    return page.get_by_role("listbox", name="Suggestions")


def test_fields_values_and_items_are_suggested_and_chosen_by_keyboard(site, open_page):
    page = open_page("/tasks", "viewer")
    # when a part of a field's name is typed, then it is suggested
    box(page).press_sequentially("sta")
    expect(options(page).get_by_role("option").first).to_contain_text("status:")
    assert in_both_themes(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("status:")
    # when a part of a value is typed, then it is suggested
    page.keyboard.type("succ")
    expect(options(page).get_by_role("option", name="status:SUCCESS")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("status:SUCCESS ")
    # when a part of an item's name is typed, then its id is inserted
    item = site.items[0]
    page.keyboard.type(f"item:{item['name'].split()[0][1:].upper()}")
    options(page).get_by_role("option", name=item["name"]).click()
    expect(box(page)).to_have_value(f"status:SUCCESS item:{item['id']} ")
    # when Enter is pressed, then the search runs
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/tasks\?.*q=status%3ASUCCESS"))
    expect(page.locator("tbody tr").first).to_be_visible()


def test_enter_searches_for_the_typed_text_despite_suggestions(open_page):
    page = open_page("/tasks", "viewer")
    box(page).press_sequentially("generate")
    expect(options(page).get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/tasks\?q=generate$"))


def test_a_search_is_saved_opened_and_removed(open_page):
    # given a browser without saved searches
    page = open_page("/tasks", "viewer", alone=True)
    menu = page.get_by_text("Saved searches", exact=True)
    menu.click()
    expect(page.get_by_text("No saved searches in this browser")).to_be_visible()
    # when a search is saved, then the menu lists it
    page.goto("/tasks?status=FAILURE&q=error%3Atimeout")
    menu.click()
    page.get_by_label("Name").fill("Time-outs <b>")
    page.get_by_role("button", name="Save this search").click()
    expect(page.get_by_role("link", name="Time-outs <b>")).to_be_visible()
    assert in_both_themes(page) == []
    # when it is chosen, then it opens
    page.goto("/tasks")
    menu.click()
    page.get_by_role("link", name="Time-outs <b>").click()
    expect(page).to_have_url(
        re.compile(r"/tasks\?q=error%3Atimeout&status=FAILURE$|/tasks\?status=FAILURE&q=error%3Atimeout$")
    )
    # when it is removed, then it is gone, even after a reload
    menu.click()
    page.get_by_role("button", name="Remove Time-outs <b>").click()
    expect(page.get_by_text("No saved searches in this browser")).to_be_visible()
    page.reload()
    menu.click()
    expect(page.get_by_text("No saved searches in this browser")).to_be_visible()


def test_the_update_interval_can_be_chosen_or_turned_off(site, open_page):
    # when updates are turned off, then the page asks for none until Resume is pressed
    page = open_page("/tasks", "viewer", clock=True)
    page.locator("header .menu summary").click()
    page.get_by_label("Live updates").select_option("off")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    asked = requests_by_scripts(page)
    page.clock.fast_forward(600_000)
    expect(page.locator("[data-age]")).to_contain_text("Paused; updated 10 minutes ago")
    assert asked == []
    with page.expect_response(lambda answer: "known=" in answer.url):
        page.get_by_role("button", name="Resume").click()
    # when the interval is a minute, then the page asks for an update after a minute, and not before
    page.context.add_cookies([{"name": "makertasks_refresh", "value": "60", "url": site.address}])
    page.goto("/tasks")
    asked.clear()
    page.clock.run_for(50_000)
    assert asked == []
    with page.expect_response(lambda answer: "known=" in answer.url):
        page.clock.run_for(15_000)
