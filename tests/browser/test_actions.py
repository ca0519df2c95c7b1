"""Actions on tasks and items: clicked on the pages, verified in the tables."""

from __future__ import annotations

import io
import re

import pytest
import requests
from PIL import Image
from playwright.sync_api import expect

from tests.browser.axe import in_both_themes
from tests.waiting import wait_for

QR_CODE = "inventory.tasks.generate_qr_code"
LEAD_TIMES = "inventory.tasks.update_average_lead_times"
AN_HOUR = 3600
# Whether an error has the colour of failures, and whether it starts below the outline of its field.
RED_AND_BELOW = """mistake => {
    const probe = document.body.appendChild(Object.assign(document.createElement("i"), { className: "bad" }));
    const red = getComputedStyle(probe).color;
    probe.remove();
    const field = document.querySelector("[aria-invalid=true]:not([hidden])").getBoundingClientRect();
    return [getComputedStyle(mistake).color === red, mistake.getBoundingClientRect().top - field.bottom >= 3];
}"""


def task_of(page):
    """Return the id of the task whose page is open."""
    expect(page).to_have_url(re.compile(r"/tasks/[0-9a-f-]{36}"))
    return re.search(r"/tasks/([0-9a-f-]{36})", page.url)[1]


@pytest.fixture
def waiting(site):
    """Three tasks that do not start within the hour."""
    found = [{"name": LEAD_TIMES, "countdown": AN_HOUR} for _ in range(3)]
    return [site.stack.api.post("/v1/tasks", each)["id"] for each in found]


def run_qr_code(page, item_id):
    page.goto(f"/task-types/{QR_CODE}")
    page.get_by_label("item id").fill(item_id)
    page.get_by_role("button", name="Run").click()
    return task_of(page)


def test_a_task_is_run_from_the_form_of_its_arguments(site, open_page):
    page = open_page(f"/task-types/{QR_CODE}", "operator")
    task_id = run_qr_code(page, site.items[1]["id"])
    expect(page.locator(".said")).to_contain_text("submitted")
    # The page updates by itself.
    expect(page.locator("#task .title .status")).to_have_text("SUCCESS", timeout=30_000)
    expect(page.locator("figure.made img").first).to_be_visible()
    record = site.record(task_id)
    assert (record["status"], record["requested_by"]) == ("SUCCESS", "operator")


def test_form_errors_appear_beside_their_fields_and_nothing_is_submitted(site, open_page):
    page = open_page(f"/task-types/{QR_CODE}", "operator")
    page.get_by_label("item id").fill("nonsense <b>")
    page.get_by_role("button", name="Run").click()
    mistake = page.locator(".field .mistake")
    expect(mistake).to_contain_text("UUID")
    assert mistake.evaluate(RED_AND_BELOW) == [True, True]
    expect(page.get_by_label("item id")).to_have_value("nonsense <b>")
    assert site.stack.api.get("/v1/tasks", q='args:"nonsense <b>"')["tasks"] == []


def test_a_task_can_be_run_and_retried_without_scripts(site, open_page):
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
    # when another item is entered, then the review shows the difference
    page.get_by_role("link", name="Edit and retry").click()
    item = site.items[0]["id"]
    page.get_by_label("item id").fill(item)
    page.get_by_role("button", name="Review").click()
    expect(page.locator("del")).to_have_text("no-uuid")
    expect(page.locator("ins")).to_have_text(site.items[0]["name"])
    expect(page.locator("ins a")).to_have_attribute("href", f"/items/{item}")
    assert in_both_themes(page) == []
    # when the task is retried, then the new task and the old one link to each other
    page.get_by_role("button", name="Retry", exact=True).click()
    again = task_of(page)
    assert again != failed
    expect(page.locator("#task ins")).to_have_text(site.items[0]["name"])
    expect(page.get_by_role("link", name=failed)).to_be_visible()
    assert site.ended(again)["status"] == "SUCCESS"
    assert site.record(again)["retry_of"] == failed
    page.goto(f"/tasks/{failed}")
    expect(page.get_by_role("link", name=again)).to_be_visible()


def test_a_waiting_task_is_revoked_and_a_superuser_deletes_it(site, open_page, waiting):
    page = open_page(f"/tasks/{waiting[0]}", "superuser")
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator(".said")).to_contain_text("revoked")
    assert site.record(waiting[0])["status"] == "REVOKED"
    page.get_by_text("Delete …").click()
    page.get_by_role("button", name="Delete task").click()
    expect(page.locator(".said")).to_contain_text("deleted")
    assert site.record(waiting[0]) == {}


def test_selected_tasks_are_revoked_with_an_outcome_for_each(site, open_page, waiting):
    page = open_page("/tasks", "operator")
    for task_id in [*waiting[:2], "runs-for-hours"]:
        page.get_by_label(f"Select {task_id}").check()
    expect(page.locator("[data-count]")).to_have_text("3 selected")
    page.get_by_role("button", name="Revoke …").click()
    expect(page.locator("main h1")).to_have_text("Revoke 3 tasks?")
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.locator("main h1")).to_have_text("2 of 3 tasks revoked")
    expect(page.locator("tbody tr", has=page.get_by_text("runs-for-hours"))).to_contain_text("is already running")
    assert [site.record(task_id)["status"] for task_id in waiting] == ["REVOKED", "REVOKED", "PENDING"]
    assert site.record("runs-for-hours")["status"] == "STARTED"


def test_selected_tasks_are_retried_after_confirmation_with_an_outcome_for_each(site, open_page):
    # given two finished tasks that were never retried, and a running one
    newest = [each["id"] for each in site.stack.api.get("/v1/tasks", name=QR_CODE, status="SUCCESS", limit=9)["tasks"]]
    ended = [task_id for task_id in newest if "retried_to" not in site.record(task_id)][:2]

    def select(page):
        for task_id in [*ended, "runs-for-hours"]:
            page.get_by_label(f"Select {task_id}").check()
        expect(page.locator("[data-count]")).to_have_text("3 selected")
        page.get_by_role("button", name="Retry …").click()
        expect(page.locator("main h1")).to_have_text("Retry 3 tasks?")
        for task_id in ended:
            expect(page.locator("tbody tr", has=page.get_by_role("link", name=task_id))).to_contain_text("SUCCESS")

    # when the retry is cancelled, then nothing is retried
    page = open_page(f"/tasks?name={QR_CODE}", "operator")
    select(page)
    assert in_both_themes(page) == []
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(re.compile(r"/tasks\?name="))
    assert [site.record(task_id).get("retried_to") for task_id in ended] == [None, None]
    # when it is confirmed, then each task has its outcome
    select(page)
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator("main h1")).to_have_text("2 of 3 tasks retried")
    assert in_both_themes(page) == []
    refused = page.locator("tbody tr", has=page.get_by_text("runs-for-hours"))
    expect(refused).to_contain_text("has not finished")
    for task_id in ended:
        outcome = page.locator("tbody tr", has=page.get_by_title(task_id))
        expect(outcome).to_contain_text("retried")
        again = outcome.get_by_role("link").last.inner_text()
        record = site.ended(again)
        assert (record["status"], record["retry_of"], record["requested_by"]) == ("SUCCESS", task_id, "operator")
        assert [each["S"] for each in site.record(task_id)["retried_to"]] == [again]
    assert "retried_to" not in site.record("runs-for-hours")
    # and the outcomes link to the new tasks, which link back to the old ones
    page.get_by_role("link", name=again).click()
    expect(page.get_by_role("link", name=ended[-1])).to_be_visible()


def test_all_matching_tasks_are_retried_revoked_and_deleted_by_jobs_with_each_outcome(site, open_page, waiting):
    def all_that_match(page, path, action, question):
        page.goto(path)
        page.get_by_label(re.compile("matching tasks?")).check()
        expect(page.locator("[data-count]")).to_have_text("all matching tasks")
        page.get_by_role("button", name=f"{action} …").click()
        expect(page.locator("main h1")).to_have_text(question)
        page.get_by_role("button", name=action, exact=True).click()
        expect(page).to_have_url(re.compile(r"/jobs/"))
        expect(page.locator("#job .title .status")).to_have_text("SUCCESS", timeout=60_000)

    # when all waiting tasks are revoked, then each has its outcome
    page = open_page("/tasks", "superuser")
    mine = f"/tasks?name={LEAD_TIMES}&q=by:superuser&status="
    count = len(site.stack.api.get("/v1/tasks", name=LEAD_TIMES, status="PENDING", limit=100)["tasks"])
    all_that_match(page, f"{mine}PENDING", "Revoke", f"Revoke {count} tasks?")
    expect(page.locator("dl.figures")).to_contain_text(str(count))
    assert in_both_themes(page) == []
    for task_id in waiting:
        expect(page.locator("tbody tr", has=page.get_by_title(task_id))).to_contain_text("revoked")
        assert site.record(task_id)["status"] == "REVOKED"
    # when a failed task is retried
    all_that_match(page, f"/tasks?q=args:no-uuid&name={QR_CODE}&status=FAILURE", "Retry", "Retry 1 task?")
    # then it is refused again, because its arguments are still invalid
    outcome = page.locator("tbody tr", has=page.get_by_title(site.tasks["failed"]))
    expect(outcome).to_contain_text("refused")
    # when the revoked tasks are retried, then their outcomes link to the new tasks
    page.goto(f"{mine}REVOKED")
    count = page.locator("tbody tr").count()
    all_that_match(page, f"{mine}REVOKED", "Retry", f"Retry {count} tasks?")
    assert all(site.record(task_id)["retried_to"] for task_id in waiting)
    [again] = site.record(waiting[0])["retried_to"]
    outcome = page.locator("tbody tr", has=page.get_by_title(waiting[0]))
    expect(outcome.get_by_role("link", name=again["S"])).to_be_visible()
    # when they are deleted, then no record is left, and the job is listed
    all_that_match(page, f"{mine}REVOKED", "Delete", f"Delete {count} tasks?")
    assert [site.record(task_id) for task_id in waiting] == [{}] * 3
    page.goto("/jobs")
    expect(page.locator("tbody tr").first).to_contain_text("Delete")


def test_qr_codes_cards_and_sheets_can_be_made_from_items(site, open_page):
    # when a card and a code are requested on an item's page, then their tasks succeed
    item = site.items[0]
    page = open_page(f"/items/{item['id']}", "operator")
    for button, name in (("Generate index card", "generate_index_card"), ("Generate QR code", "generate_qr_code")):
        page.goto(f"/items/{item['id']}")
        page.get_by_role("button", name=button).click()
        made = site.ended(task_of(page))
        assert (made["name"], made["status"]) == (f"inventory.tasks.{name}", "SUCCESS")
    # when cards of two items are printed on a partly used sheet, then the task gets these choices
    page.goto("/items")
    for each in site.items[:2]:
        page.get_by_label(f"Select {each['name']}").check()
    page.get_by_role("button", name="Print cards …").click()
    page.get_by_label("Sheet or roll").select_option("a4-2x4")
    page.get_by_role("button", name="Show this sheet").click()
    assert in_both_themes(page) == []
    for slot in (1, 3):
        page.get_by_label(f"Label {slot} is used").check()
    page.get_by_role("button", name="Print cards", exact=True).click()
    sheet = site.ended(task_of(page))
    assert (sheet["name"], sheet["status"]) == ("inventory.tasks.generate_index_cards", "SUCCESS")
    kwargs = site.stack.api.get(f"/v1/tasks/{task_of(page)}")["kwargs"]
    assert (kwargs["stock"], kwargs["used"], len(kwargs["item_ids"])) == ("a4-2x4", [1, 3], 2)
    page.reload()
    expect(page.get_by_role("link", name="Open the sheets")).to_be_visible()
    # then the page shows the PDF, and the JSON is folded
    shown = page.locator("figure.document object")
    assert shown.get_attribute("type") == "application/pdf"
    assert requests.get(str(shown.get_attribute("data")), timeout=20).content.startswith(b"%PDF-")
    assert not page.locator("#result").is_visible()


def test_an_items_image_is_downloaded_to_the_bucket_and_shown_on_its_page(site, open_page):
    def with_image():
        found = site.stack.api.get("/v1/items", limit=50)["items"]
        return next((each for each in found if each.get("image") and each.get("image_url")), None)

    # given an item whose image in the bucket is broken
    item = wait_for(with_image, "an item's image")
    s3, bucket = site.stack.client("s3"), site.stack.outputs["MediaBucketName"]
    s3.put_object(Bucket=bucket, Key=item["image"], Body=b"this is no picture any more")
    # when it is downloaded again
    page = open_page(f"/items/{item['id']}", "operator")
    page.get_by_role("button", name="Download image").click()
    made = site.ended(task_of(page))
    assert (made["name"], made["status"]) == ("inventory.tasks.download_image_from_url", "SUCCESS")
    expect(page.locator("figure.made img").first).to_be_visible(timeout=30_000)

    # then the bucket has the image and its thumbnail, and the item's page shows it
    stored = site.stack.api.get(f"/v1/items/{item['id']}")
    picture = Image.open(io.BytesIO(s3.get_object(Bucket=bucket, Key=stored["image"])["Body"].read()))
    thumbnail = Image.open(io.BytesIO(s3.get_object(Bucket=bucket, Key=stored["thumbnail"])["Body"].read()))
    assert min(picture.size) > 100
    assert max(thumbnail.size) <= 300
    page.goto(f"/items/{item['id']}")
    shown = page.get_by_role("img", name="Image of")
    shown.scroll_into_view_if_needed()
    wait_for(lambda: shown.evaluate("image => image.naturalWidth") == picture.width, "the picture to be drawn")


def test_a_filter_is_exported(site, open_page):
    page = open_page(f"/tasks?name={QR_CODE}&status=FAILURE", "viewer")
    for link in ("CSV", "JSON lines"):
        page.locator("summary", has_text="Export").click()
        with page.expect_download() as download:
            page.get_by_role("link", name=link).click()
        text = download.value.path().read_text()
        assert site.tasks["failed"] in text
        assert site.tasks["done"] not in text
        page.reload()
