"""Item fields: search by part of the name, choice by keyboard, pointer and touch, submission as UUIDs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import in_both_themes
from tests.browser.test_actions import task_of

QR_CODE = "/task-types/inventory.tasks.generate_qr_code"
CARDS = "/task-types/inventory.tasks.generate_index_cards"


@pytest.fixture
def item(site):
    """A sample item whose name has several words."""
    return next(each for each in site.items if len(each["name"].split()) > 2)


def inner(name):
    """Return a part of the name that is not its beginning."""
    return name[len(name.split()[0]) + 1 :].upper()


def field(page, label="item id"):
    return page.get_by_role("combobox", name=label)


def options(page):
    return page.get_by_role("listbox", name="Items")


def test_an_item_is_found_by_part_of_its_name_by_keyboard_and_its_id_submitted(site, open_page, item):
    page = open_page(QR_CODE, "operator")
    field(page).press_sequentially(inner(item["name"]))
    option = options(page).get_by_role("option", name=item["name"])
    expect(option).to_be_visible()
    expect(field(page)).to_have_attribute("aria-expanded", "true")
    assert in_both_themes(page) == []
    while option.get_attribute("aria-selected") == "false":
        page.keyboard.press("ArrowDown")
    assert field(page).get_attribute("aria-activedescendant") == option.get_attribute("id")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value(item["name"])
    expect(options(page)).to_be_hidden()
    page.keyboard.press("Enter")
    task_id = task_of(page)
    assert site.stack.api.get(f"/v1/tasks/{task_id}")["kwargs"] == {"item_id": item["id"]}


def test_escape_closes_the_list_and_no_match_is_reported(open_page, item):
    page = open_page(QR_CODE, "operator")
    field(page).fill(inner(item["name"]))
    expect(options(page).get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(options(page)).to_be_hidden()
    field(page).fill("no item has this name")
    expect(page.locator("main").get_by_text("No matching items")).to_be_visible()


def test_a_pasted_id_is_shown_as_the_items_name(open_page, item):
    page = open_page(QR_CODE, "operator")
    field(page).fill(item["id"])
    expect(field(page)).to_have_value(item["name"])
    expect(page.locator("[name='kwargs.item_id']")).to_have_value(item["id"])


def test_several_items_are_chosen_removed_and_sent(site, open_page):
    first, second, third = site.items[:3]
    page = open_page(CARDS, "operator")
    page.set_viewport_size({"width": 360, "height": 800})
    for each in (first, second, third):
        field(page, "item ids").fill(each["name"])
        options(page).get_by_role("option", name=each["name"]).first.click()
    chosen = page.get_by_role("list", name="Chosen items")
    expect(chosen.get_by_role("listitem")).to_have_count(3)
    assert in_both_themes(page) == []
    page.get_by_role("button", name=f"Remove {second['name']}").click()
    expect(chosen.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Run").click()
    task_id = task_of(page)
    assert site.stack.api.get(f"/v1/tasks/{task_id}")["kwargs"]["item_ids"] == [first["id"], third["id"]]


def test_the_list_is_filtered_by_an_item_and_shows_its_name(open_page, item):
    page = open_page("/tasks", "viewer")
    field(page, "Item").fill(inner(item["name"]))
    options(page).get_by_role("option", name=item["name"]).click()
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(f"item_id={item['id']}"))
    expect(field(page, "Item")).to_have_value(item["name"])


def test_without_scripts_the_field_accepts_an_id_that_a_page_helps_to_find(open_page, item):
    page = open_page(QR_CODE, "operator", java_script_enabled=False)
    page.get_by_role("link", name="All items").click()
    page.get_by_role("searchbox").fill(inner(item["name"]))
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=item["name"], exact=True).click()
    expect(page.locator("main h1")).to_have_text(item["name"])
