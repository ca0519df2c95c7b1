"""Remedies for failures: what a page offers after a failure works on the deployed stack."""

from __future__ import annotations

import io
import re

from PIL import Image
from playwright.sync_api import expect

from tests.browser.axe import in_both_themes
from tests.waiting import wait_for

DOWNLOAD = "inventory.tasks.download_image_from_url"


def task_of(page):
    """Return the id of the task whose page is open."""
    expect(page).to_have_url(re.compile(r"/tasks/[0-9a-f-]{36}"))
    return re.search(r"/tasks/([0-9a-f-]{36})", page.url)[1]


def picture(colour):
    """A small PNG."""
    drawn = io.BytesIO()
    Image.new("RGB", (320, 200), colour).save(drawn, "PNG")
    return drawn.getvalue()


def stored(site, item_id):
    """Return an item's current image from the bucket."""
    key = site.stack.api.get(f"/v1/items/{item_id}")["image"]
    s3, bucket = site.stack.client("s3"), site.stack.outputs["MediaBucketName"]
    return Image.open(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())).convert("RGB")


def item_with_wrong_address(site, number):
    """An item whose image_url does not resolve, and the task that failed for it."""
    item, url = site.items[number], f"http://localhost:9/nowhere-{number}.png"
    key = {"owner": {"S": f"item#{item['id']}"}, "entry": {"S": "item"}}
    site.stack.client("dynamodb").update_item(
        TableName=site.stack.outputs["InventoryTableName"],
        Key=key,
        UpdateExpression="SET image_url = :url",
        ExpressionAttributeValues={":url": {"S": url}},
    )

    def failed():
        found = site.stack.api.get("/v1/tasks", item_id=item["id"], name=DOWNLOAD, limit=5)["tasks"]
        of_this = (each for each in found if (each["kwargs"] or {}).get("image_url") == url)
        return next((each["id"] for each in of_this if each["status"] == "FAILURE"), None)

    return item, wait_for(failed, "the download to fail")


def test_a_wrong_image_is_fixed_by_an_upload(site, open_page):
    item, failed = item_with_wrong_address(site, 4)
    page = open_page(f"/tasks/{failed}", "operator")
    page.get_by_role("link", name="Fix picture").click()
    expect(page.locator(".banner:not(.lost)")).to_contain_text("The last attempt failed")
    assert in_both_themes(page) == []
    page.get_by_label("Picture (JPEG").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": picture("teal")}
    )
    page.get_by_role("button", name="Upload picture").click()
    done = site.ended(task_of(page))
    assert (done["name"], done["status"]) == ("makertasks.attach_upload", "SUCCESS")
    expect(page.locator("figure.made img").first).to_be_visible(timeout=30_000)
    assert stored(site, item["id"]).getpixel((5, 5)) == (0, 128, 128)


def test_a_wrong_image_is_fixed_by_another_url_and_repeating_it_changes_nothing(site, open_page):
    # given an item whose image URL does not work
    item, _ = item_with_wrong_address(site, 5)
    good = next(each["image_url"] for each in site.items if each.get("image_url") and each["id"] != item["id"])
    # when an invalid URL is entered, then the error is shown at its field
    page = open_page(f"/items/{item['id']}", "operator")
    page.get_by_role("link", name="Fix picture").click()
    page.get_by_label("Picture URL").fill("ftp://example.com/a.png")
    page.get_by_role("button", name="Download picture").click()
    expect(page.locator("#m-image_url")).to_contain_text("must be a URL")
    # when a valid one is entered twice, then only the first download changes the image
    for changed in (True, False):
        page.goto(f"/items/{item['id']}/picture")
        page.get_by_label("Picture URL").fill(good)
        page.get_by_role("button", name="Download picture").click()
        done = site.ended(task_of(page))
        assert done["status"] == "SUCCESS"
        page.reload()
        expect(page.get_by_text("Nothing changed")).to_have_count(0 if changed else 1)
    expect(page.locator("#task .title .status")).to_have_class("status undone")
    assert stored(site, item["id"]).size[0] > 100
    # and the item's own image URL, which belongs to OpenMakerSuite, is unchanged
    assert "nowhere" in site.stack.api.get(f"/v1/items/{item['id']}")["image_url"]


def test_edit_and_retry_reports_that_another_image_url_changed_nothing(site, open_page):
    item, failed = item_with_wrong_address(site, 6)
    page = open_page(f"/tasks/{failed}/retry", "operator")
    page.get_by_label("image url").fill("http://localhost:9/other.png")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Retry", exact=True).click()
    assert site.ended(task_of(page))["status"] == "SUCCESS"
    page.reload()
    expect(page.locator(".banner.pending:not(.lost)")).to_contain_text("Nothing changed")
    expect(page.get_by_role("link", name="Fix picture")).to_be_visible()
    assert "nowhere" in site.stack.api.get(f"/v1/items/{item['id']}")["image_url"]
