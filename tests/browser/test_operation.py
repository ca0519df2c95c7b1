"""Actions on queues, schedules, limits and running tasks: clicked on the pages, verified in AWS and in the tables."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import expect

from makertasks import wire
from makertasks.monitoring import dead_letters
from makertasks.records import table as records
from tests.browser import history
from tests.browser.axe import in_both_themes
from tests.browser.content import running_task
from tests.waiting import wait_for

QR_CODE = "inventory.tasks.generate_qr_code"
CARD = "inventory.tasks.generate_index_card"


def mapping_of(site, name):
    """Return the event source mapping between a function and its queue."""
    function = f"{site.stack.name}-{name}"
    [mapping] = site.stack.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    return mapping


def test_a_queue_is_paused_purged_and_resumed(site, open_page):
    # when the queue is paused, then its consumer is off, and every page says so
    page = open_page("/queues/generate_qr_code", "operator")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".said")).to_contain_text("paused")
    wait_for(lambda: mapping_of(site, "generate_qr_code")["State"] == "Disabled", "the consumer to be switched off")
    waiting = [site.stack.api.submit("generate_qr_code", item_id=site.items[3]["id"]) for _ in range(2)]
    page.goto("/")
    expect(page.locator(".banner:not(.lost)")).to_contain_text("generate_qr_code is paused")
    page.goto("/queues")
    expect(page.locator("tr#generate_qr_code")).to_contain_text("paused")
    page.goto("/queues/generate_qr_code")
    expect(page.locator("#lately + ul")).to_contain_text("Pause queue by operator")
    # when it is purged, then its waiting tasks are revoked
    page.get_by_text("Purge …").click()
    page.get_by_role("button", name="Purge queue").click()
    expect(page).to_have_url(re.compile(r"/jobs/"))
    assert [site.ended(task_id)["status"] for task_id in waiting] == ["REVOKED", "REVOKED"]
    # when it is resumed, then its consumer is on
    page.goto("/queues/generate_qr_code")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".said")).to_contain_text("Queue resumed")
    wait_for(lambda: mapping_of(site, "generate_qr_code")["State"] == "Enabled", "the consumer to be switched on")


def dead_letter(site, body, task_id=None):
    """Put a message into the dead-letter queue and wait until it is recorded; returns its task's id."""
    sqs = site.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{site.stack.name}-dead-letters")["QueueUrl"]
    sent = sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]
    site.sweep()
    site.ended(task_id or sent)
    return task_id or sent


def test_dead_letters_are_shown_with_their_bodies_and_sent_again(site, open_page):
    # given a dead letter of the queue of cards
    item, task_id = site.items[0]["id"], str(uuid.uuid4())
    body = wire.encode(wire.Message(task_id, "inventory.tasks.generate_index_card", kwargs={"item_id": item}), "x")
    dead_letter(site, body, task_id)
    # then the overview and the queue lead to its body
    page = open_page("/", "operator")
    expect(page.locator(".banner:not(.lost)")).to_contain_text("1 dead letter")
    page.goto("/queues")
    page.locator("tr#generate_index_card").get_by_role("link", name="1", exact=True).click()
    expect(page).to_have_url(re.compile("/queues/generate_index_card#dead"))
    page.get_by_text("Show all", exact=True).first.click()
    expect(page.locator("td pre").first).to_have_text(dead_letters.readable(body))
    # when it is sent back, then a new task succeeds, and no dead letter is left
    page.get_by_role("button", name="Send all back to the queue").click()
    expect(page.locator("main h1")).to_have_text("1 of 1 message sent back to the queue")
    again = page.locator("td a.id").first.inner_text()
    assert site.ended(again)["retry_of"] == task_id
    page.goto("/queues/generate_index_card")
    expect(page.locator("#dead ~ .good")).to_have_text("None.")


def test_an_unreadable_message_is_edited_and_sent_or_discarded(site, open_page):
    # given a dead letter that names its task and one that names none
    item = site.items[1]["id"]
    whole = wire.encode(wire.Message("cut-off", "inventory.tasks.generate_qr_code", kwargs={"item_id": item}), "x")
    broken = dead_letter(site, dead_letters.readable(whole).replace('"body": "', '"body": "!'), "cut-off")
    nobody = dead_letter(site, "{")
    # then both are listed
    page = open_page("/", "operator")
    page.get_by_role("link", name="2 dead letters").click()
    expect(page.locator("main h1 small")).to_have_text("2")
    assert in_both_themes(page) == []
    row = page.locator(f"tr[id='m{broken}']")
    expect(row.locator("th")).to_contain_text("Generate QR code")
    expect(row).to_contain_text('{"body": "!')
    expect(page.locator(f"tr[id='m{nobody}']")).to_contain_text("Unknown task")
    # when the first is sent with invalid arguments, then the error is shown; with valid ones, a new task succeeds
    row.get_by_role("link", name="Edit and send").click()
    page.get_by_label("Message").fill('{"item_id": 7}')
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#m-body")).to_contain_text("does not fit the task")
    assert in_both_themes(page) == []
    page.get_by_label("Message").fill(f'{{"item_id": "{item}"}}')
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".said")).to_contain_text("as this new task")
    new = re.search(r"/tasks/([0-9a-f-]{36})", page.url)[1]
    assert (site.ended(new)["status"], site.record(new)["retry_of"]) == ("SUCCESS", broken)
    # when the second is discarded, then none is left, and the audit log has the action
    page.goto("/messages")
    page.locator(f"tr[id='m{nobody}']").get_by_role("button", name="Discard").click()
    expect(page.locator(".said")).to_contain_text("discarded")
    page.goto("/messages")
    expect(page.locator("main")).to_contain_text("No dead letters")
    page.goto("/activity")
    expect(page.locator("tbody tr").first).to_contain_text("Discard message")


def test_a_schedule_can_be_disabled_enabled_and_run_now(site, open_page):
    def enabled():
        scheduler = site.stack.client("scheduler")
        return scheduler.get_schedule(Name="update_average_lead_times", GroupName=site.stack.name)["State"]

    # given the schedule with its next three runs
    page = open_page("/schedules", "operator")
    card = page.locator("section.card", has=page.get_by_role("heading", name="update_average_lead_times"))
    expect(card).to_contain_text("At 03:00")
    expect(card.locator("dd div")).to_have_count(3)
    # when it is disabled and enabled, then EventBridge Scheduler has that state
    card.get_by_role("button", name="Disable").click()
    expect(page.locator(".said")).to_contain_text("Schedule disabled")
    assert enabled() == "DISABLED"
    card.get_by_role("button", name="Enable").click()
    expect(page.locator(".said")).to_contain_text("Schedule enabled")
    assert enabled() == "ENABLED"
    # when it is run now, then its task succeeds
    card.get_by_role("button", name="Run now").click()
    expect(page.locator("main h1")).to_have_text("Update average lead times")
    task_id = re.search(r"/tasks/([0-9a-f-]{36})", page.url)[1]
    assert site.ended(task_id)["status"] == "SUCCESS"


def test_a_superuser_sets_the_maximum_concurrency(site, open_page):
    page = open_page("/queues/generate_index_card", "superuser")
    page.get_by_label("Concurrency").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".said")).to_contain_text("Saved")
    assert mapping_of(site, "generate_index_card")["ScalingConfig"] == {"MaximumConcurrency": 7}
    page.goto("/activity")
    expect(page.locator("tbody tr").first).to_contain_text("generate_index_card")


def test_a_superuser_sets_a_task_types_limits_and_errors_are_shown(site, open_page):
    page = open_page(f"/task-types/{CARD}", "superuser")

    def save(field, value):
        page.get_by_text("Change limits").click()
        page.get_by_label(field).last.fill(value)
        page.get_by_role("button", name="Save").click()

    # when a limit is too high, then the error is shown at its field
    save("Time limit, seconds", "5000")
    expect(page.locator("#m-time_limit")).to_contain_text("900")
    # when a rate is set and cleared, then the API has it
    page.goto(f"/task-types/{CARD}")
    save("Rate", "30/m")
    expect(page.locator("#limits + dl")).to_contain_text("30/m")
    assert site.stack.api.get(f"/v1/task-types/{CARD}")["rate_limit"] == "30/m"
    save("Rate", "")
    expect(page.locator("#limits + dl")).not_to_contain_text("30/m")
    assert site.stack.api.get(f"/v1/task-types/{CARD}")["rate_limit"] is None


@pytest.fixture
def running(site):
    """A running task of its own, because a termination is requested only once."""
    with history.environment(site.stack):
        task_id = running_task("runs-until-terminated")
        yield task_id
        records.get(task_id).delete()


def test_a_running_task_can_be_terminated(site, open_page, running):
    page = open_page(f"/tasks/{running}", "operator")
    others = open_page(f"/tasks/{running}", "superuser")
    expect(page.locator("#task .title")).to_contain_text("3 of 9")
    page.get_by_text("Terminate …").click()
    page.get_by_role("button", name="Terminate", exact=True).click()
    expect(page.locator(".said")).to_contain_text("will stop at its next checkpoint")
    assert "operator" in site.record(running)["terminate"]
    for shown in (page, others):
        expect(shown.locator("#task dl")).to_contain_text("Termination requested")
        expect(shown.get_by_text("Terminate …")).to_have_count(0)
