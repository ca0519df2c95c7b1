"""The content of pages agrees with the API and the tables, and can be copied and downloaded."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect

from tests.waiting import wait_for


def cells(row):
    return [each.strip() for each in row.locator("td").all_inner_texts()]


def test_a_tasks_page_folds_arguments_copies_them_as_json_and_shows_its_log(site, open_page):
    done = site.tasks["done"]
    page = open_page(f"/tasks/{done}", "viewer", alone=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    # when the arguments are copied, then the clipboard has them as JSON; they can be folded
    arguments = page.locator("details.json", has=page.locator("#kwargs"))
    arguments.get_by_role("button", name="Copy").click()
    expect(arguments.get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied == {"item_id": site.items[0]["id"]}
    arguments.locator("summary").click()
    expect(page.locator("#kwargs")).to_be_hidden()

    def logged():
        page.reload()
        page.locator("#log .note, #log .logs").first.wait_for()
        return "task ended" in page.locator("#log").inner_text()

    # and the page shows the log, the QR code and the raw record
    wait_for(logged, "the log to have the task's lines")
    picture = page.locator("figure.made img").first
    wait_for(lambda: picture.evaluate("image => image.naturalWidth") > 0, "the QR code to be drawn")
    page.locator("details.json", has=page.locator("#kwargs")).get_by_role("link", name="Raw").click()
    assert json.loads(page.locator("pre").inner_text())["kwargs"] == copied


def test_a_retrying_task_shows_its_next_attempt_and_can_be_revoked(site, open_page):
    page = open_page("/tasks?status=RETRY", "operator")
    page.locator(f"tr[id='r{site.tasks['retrying']}'] td.name a").click()
    expect(page.locator("#task .title .status")).to_have_text("RETRY")
    [first] = page.locator(".waterfall li").all()
    expect(first).to_contain_text("did not respond within 5 s")
    retry_at = site.stack.api.get(f"/v1/tasks/{site.tasks['retrying']}")["retry_at"]
    notice = page.get_by_text("The next attempt starts at")
    assert notice.locator("time").get_attribute("datetime") == f"{retry_at[:19]}Z"
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".said")).to_contain_text("revoked")
    record = site.record(site.tasks["retrying"])
    assert (record["status"], "retry_at" in record) == ("REVOKED", False)
    expect(page.locator(".waterfall li")).to_have_count(1)


def test_workers_show_the_state_and_totals_of_the_api(site, open_page):
    page = open_page("/workers", "viewer", java_script_enabled=False)
    names = ("running", "processed", "succeeded", "failed", "retried", "revoked")

    def agree():
        page.reload()
        workers = site.stack.api.get("/v1/workers")["workers"]
        expected = [[each["state"], *(str(each[name]) for name in names)] for each in workers]
        return expected == [cells(row)[: len(names) + 1] for row in page.locator("tbody tr").all()] and expected

    # Other tests' tasks may finish between the two requests.
    found = wait_for(agree, "the page and the API to agree")
    assert sum(int(processed) for _, _, processed, *_ in found) > 0


def test_an_item_is_found_by_part_of_its_name_and_shows_suppliers_and_tasks(site, open_page):
    found = site.stack.api.get(f"/v1/items/{site.items[0]['id']}")
    page = open_page("/items", "viewer")
    page.get_by_role("searchbox").fill(found["name"][3:9].upper())
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"/items\?contains="))
    page.get_by_role("link", name=found["name"], exact=True).click()
    expect(page.locator("main h1")).to_have_text(found["name"])
    for supplier in found["suppliers"]:
        row = page.get_by_role("region", name="Suppliers, table").locator(
            "tbody tr", has_text=supplier["supplier_name"]
        )
        expect(row).to_contain_text(f"{supplier['average_lead_time']} d")
    expect(page.get_by_role("region", name="Tasks, table")).to_contain_text("Generate QR code")
