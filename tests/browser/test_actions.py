"""What operators do, clicked in the pages and looked for in the tables, the queues and the schedules."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.waiting import wait_for

QR_CODE = "inventory.tasks.generate_qr_code"


def task_of(page):
    """The id of the task whose page is open."""
    expect(page).to_have_url(re.compile(r"/tasks/[0-9a-f-]{36}"))
    return re.search(r"/tasks/([0-9a-f-]{36})", page.url)[1]


@pytest.fixture
def paused(site, open_page):
    """The queue of QR codes, paused from its page, and resumed from it."""
    page = open_page("/queues/generate_qr_code", "operator")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".said")).to_contain_text("paused")
    wait_for(lambda: state_of(site) == "Disabled", "the consumer to be switched off")
    yield
    page.goto("/queues/generate_qr_code")
    page.get_by_role("button", name="Resume").click()
    wait_for(lambda: state_of(site) == "Enabled", "the consumer to be switched on")


def state_of(site):
    function = f"{site.stack.name}-generate_qr_code"
    [mapping] = site.stack.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    return mapping["State"]


def run_qr_code(page, item_id):
    page.goto(f"/task-types/{QR_CODE}")
    page.get_by_label("item id").fill(item_id)
    page.get_by_role("button", name="Run").click()
    return task_of(page)


def test_a_task_is_run_from_its_signatures_form(site, open_page):
    page = open_page(f"/task-types/{QR_CODE}", "operator")
    task_id = run_qr_code(page, site.items[1]["id"])
    expect(page.locator(".said")).to_contain_text("submitted")
    # The page follows the task by itself.
    expect(page.locator("#task .title .status")).to_have_text("SUCCESS", timeout=30_000)
    expect(page.locator("figure.made img").first).to_be_visible()
    record = site.record(task_id)
    assert (record["status"], record["requested_by"]) == ("SUCCESS", "operator")


def test_the_forms_mistakes_are_told_at_their_fields_and_nothing_is_submitted(site, open_page):
    page = open_page(f"/task-types/{QR_CODE}", "operator")
    page.get_by_label("item id").fill("nonsense <b>")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".field .mistake")).to_contain_text("UUID")
    expect(page.get_by_label("item id")).to_have_value("nonsense <b>")


def test_without_scripts_a_task_is_run_and_retried_as_well(site, open_page):
    page = open_page(f"/task-types/{QR_CODE}", "operator", java_script_enabled=False)
    first = run_qr_code(page, site.items[2]["id"])
    site.ended(first)
    page.goto(f"/tasks/{first}")
    page.get_by_role("button", name="Retry", exact=True).click()
    second = task_of(page)
    assert second != first
    assert site.ended(second)["retry_of"] == first


def test_a_failed_task_is_retried_with_other_arguments_and_the_difference_is_shown(site, open_page):
    failed = site.tasks["failed"]
    page = open_page(f"/tasks/{failed}", "operator")
    page.get_by_role("link", name="Edit and retry").click()
    item = site.items[0]["id"]
    page.get_by_label("item id").fill(item)
    page.get_by_role("button", name="Review").click()
    expect(page.locator("del")).to_have_text("no-uuid")
    expect(page.locator("ins")).to_have_text(item)
    page.get_by_role("button", name="Retry", exact=True).click()
    again = task_of(page)
    assert again != failed
    expect(page.locator("#task ins")).to_have_text(item)
    expect(page.get_by_role("link", name=failed)).to_be_visible()
    assert site.record(again)["retry_of"] == failed
    page.goto(f"/tasks/{failed}")
    expect(page.get_by_role("link", name=again)).to_be_visible()


def test_a_waiting_task_is_revoked_and_a_superuser_deletes_it(site, open_page, paused):
    page = open_page("/tasks", "superuser")
    task_id = run_qr_code(page, site.items[0]["id"])
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".said")).to_contain_text("revoked")
    assert site.record(task_id)["status"] == "REVOKED"
    page.get_by_text("Delete …").click()
    page.get_by_role("button", name="Delete the task").click()
    expect(page.locator(".said")).to_contain_text("deleted")
    assert site.record(task_id) == {}


def test_selected_tasks_are_revoked_together_with_an_outcome_for_each(site, open_page, paused):
    page = open_page("/tasks", "operator")
    ids = [run_qr_code(page, site.items[number]["id"]) for number in range(2)]
    page.goto(f"/tasks?name={QR_CODE}")
    for task_id in [*ids, site.tasks["done"]]:
        page.get_by_label(f"Select {task_id}").check()
    expect(page.locator("[data-count]")).to_have_text("3 selected")
    page.get_by_role("button", name="Revoke …").click()
    expect(page.locator("main h1")).to_have_text("Revoke 3 tasks?")
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.locator("main h1")).to_have_text("2 of 3 done")
    assert {site.record(task_id)["status"] for task_id in ids} == {"REVOKED"}
    assert site.record(site.tasks["done"])["status"] == "SUCCESS"


def test_items_make_their_codes_and_cards_and_print_sheets(site, open_page):
    item = site.items[0]
    page = open_page(f"/items/{item['id']}", "operator")
    page.get_by_role("button", name="Make the card").click()
    card = site.ended(task_of(page))
    assert (card["name"], card["status"]) == ("inventory.tasks.generate_index_card", "SUCCESS")
    page.goto("/items")
    for each in site.items[:2]:
        page.get_by_label(f"Select {each['name']}").check()
    page.get_by_role("button", name="Print a sheet of cards").click()
    sheet = site.ended(task_of(page))
    assert (sheet["name"], sheet["status"]) == ("inventory.tasks.generate_index_cards", "SUCCESS")
    page.reload()
    expect(page.get_by_role("link", name="Open the sheets")).to_be_visible()


def test_a_schedule_is_switched_off_and_on_and_run_now(site, open_page):
    def enabled():
        scheduler = site.stack.client("scheduler")
        return scheduler.get_schedule(Name="update_average_lead_times", GroupName=site.stack.name)["State"]

    page = open_page("/schedules", "operator")
    card = page.locator("section.card", has=page.get_by_role("heading", name="update_average_lead_times"))
    expect(card).to_contain_text("At 03:00")
    card.get_by_role("button", name="Switch off").click()
    expect(page.locator(".said")).to_contain_text("off")
    assert enabled() == "DISABLED"
    card.get_by_role("button", name="Switch on").click()
    expect(page.locator(".said")).to_contain_text("on")
    assert enabled() == "ENABLED"
    card.get_by_role("button", name="Run now").click()
    assert site.ended(task_of(page))["status"] == "SUCCESS"


def test_a_superuser_bounds_concurrency_and_limits(site, open_page):
    page = open_page("/queues/generate_index_card", "superuser")
    page.get_by_label("At most so many").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".said")).to_contain_text("Saved")
    assert site.stack.api.get("/v1/queues/generate_index_card")["maximum_concurrency"] == 7
    page.goto("/task-types/inventory.tasks.generate_index_card")
    page.get_by_text("Change the limits").click()
    page.get_by_label("Time limit, seconds").last.fill("5000")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("p.mistake")).to_contain_text("900")
    page.get_by_label("Rate").fill("30/m")
    page.get_by_label("Time limit, seconds").last.fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#limits + dl")).to_contain_text("30/m")
    page.get_by_text("Change the limits").click()
    page.get_by_label("Rate").fill("")
    page.get_by_role("button", name="Save").click()
    page.goto("/activity")
    expect(page.locator("main")).to_contain_text("change limits")


def test_dead_letters_are_shown_with_their_bodies_and_sent_again(site, open_page):
    item = site.items[0]["id"]
    body = json.dumps({"item_id": item})
    sqs = site.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{site.stack.name}-dead-generate_index_card")["QueueUrl"]
    message = sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]
    site.ended(message)
    page = open_page("/queues/generate_index_card", "operator")
    page.get_by_text("Show", exact=True).first.click()
    expect(page.locator("td pre").first).to_have_text(body)
    page.get_by_role("button", name="Send them again").click()
    expect(page.locator(".said")).to_contain_text("sent again")
    page.goto(f"/tasks/{message}")
    again = page.locator("dd a.id").first.inner_text()
    assert site.ended(again)["retry_of"] == message


def test_a_filter_is_exported(site, open_page):
    page = open_page(f"/tasks?name={QR_CODE}&status=FAILURE", "viewer")
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_text()
    assert site.tasks["failed"] in text
    assert site.tasks["done"] not in text


def test_every_task_that_matches_is_retried_by_a_job_with_progress_and_outcomes(site, open_page):
    page = open_page(f"/tasks?q=args:no-uuid&name={QR_CODE}&status=FAILURE", "operator")
    page.get_by_label("all that match").check()
    expect(page.locator("[data-count]")).to_have_text("every task")
    page.get_by_role("button", name="Retry …").click()
    expect(page.locator("main h1")).to_contain_text("Retry 1 task?")
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page).to_have_url(re.compile(r"/jobs/"))
    expect(page.locator("#job .title .status")).to_have_text("SUCCESS", timeout=40_000)
    outcome = page.locator("tbody tr", has=page.get_by_role("link", name=site.tasks["failed"]))
    expect(outcome).to_be_visible()
    page.goto("/jobs")
    expect(page.locator("tbody tr").first).to_contain_text("retry")


def test_a_queue_is_purged_and_its_waiting_tasks_are_revoked(site, open_page, paused):
    page = open_page("/queues", "operator")
    task_id = run_qr_code(page, site.items[3]["id"])
    page.goto("/queues/generate_qr_code")
    page.get_by_text("Purge …").click()
    page.get_by_role("button", name="Purge the queue").click()
    expect(page).to_have_url(re.compile(r"/jobs/"))
    assert site.ended(task_id)["status"] == "REVOKED"
