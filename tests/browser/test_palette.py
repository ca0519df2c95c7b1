"""The command palette (Ctrl-K) and the figures of charts, by keyboard and by touch."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.axe import violations


def test_the_palette_opens_queues_items_and_tasks_and_performs_the_pages_actions(site, open_page):
    page = open_page("/", "operator")
    page.keyboard.press("Control+k")
    find = page.locator("#palette").get_by_role("combobox")
    expect(find).to_be_focused()
    assert violations(page) == []
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
    find.fill("action edit")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_have_text("Retry with other arguments")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(find).to_be_hidden()


def test_a_charts_column_shows_its_figures_by_keyboard(open_page):
    page = open_page("/", "viewer")
    column = page.locator(".chart svg a").first
    column.focus()
    expect(page.locator(".chart [data-tip]").first).to_contain_text(re.compile(r"\d"))
