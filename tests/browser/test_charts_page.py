"""Charts on the deployed stack: waiting tasks, a growing queue, a deployment; a column links to its tasks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import in_both_themes
from tests.browser.conftest import OVERVIEW_WIDTHS
from tests.browser.fit import holes
from tests.browser.loading import loaded_bytes
from tests.waiting import wait_for

QUEUE = "generate_index_card"
PATH = f"/queues/{QUEUE}"
UPDATE_BYTES, FIRST_LOAD_BYTES = 5_000, 150_000
TASKS = 3


@pytest.fixture(scope="module")
def waited(site):
    """Tasks that waited in a paused queue until it was resumed."""
    api = site.stack.api
    api.post(f"/v1/queues/{QUEUE}/pause", {})
    ids = [api.submit(QUEUE, item_id=item["id"]) for item in site.items[:TASKS]]
    site.sweep()
    api.post(f"/v1/queues/{QUEUE}/resume", {})
    for task_id in ids:
        assert site.ended(task_id)["status"] == "SUCCESS"
    return ids


def chart(page, title):
    return page.locator(".card", has=page.get_by_role("heading", name=title))


def test_a_queues_charts_show_waiting_messages_and_waiting_times(site, open_page, waited):
    page = open_page(PATH, "viewer")
    expect(chart(page, "Maximum waiting messages").locator("svg a title").last).to_contain_text(f"waiting {TASKS}")

    def counted():
        page.reload()
        return chart(page, "Waiting time").locator("svg a").count() > 0

    wait_for(counted, "the counters to catch up")
    expect(chart(page, "Waiting time").locator(".legend")).to_contain_text("longest")
    assert in_both_themes(page) == []
    # and by its record each of these tasks has waited
    records = [site.record(task_id) for task_id in waited]
    assert all(record["created"] < record["started"] for record in records)


def test_a_column_shows_its_figures_by_keyboard_and_links_to_its_hours_tasks(open_page, waited):
    page = open_page(PATH, "viewer")
    column = chart(page, "Maximum waiting messages").locator("svg a").last
    column.focus()
    expect(chart(page, "Maximum waiting messages").locator("[data-tip]")).to_contain_text(f"waiting {TASKS}")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/tasks\?name=inventory\.tasks\.generate_index_card&created_from="))
    for task_id in waited:
        expect(page.locator(f"tr[id='r{task_id}']")).to_be_visible()


def test_without_scripts_the_figures_are_a_table(open_page, waited):
    page = open_page(PATH, "viewer", java_script_enabled=False)
    lengths = chart(page, "Maximum waiting messages")
    lengths.get_by_text("Show as a table").click()
    expect(lengths.locator("tbody tr").last.locator("td")).to_have_text(str(TASKS))
    lengths.locator("tbody tr a").last.click()
    expect(page).to_have_url(re.compile("created_from="))


def test_a_deployment_is_marked_and_links_to_the_tasks_since_then(site, open_page, waited):
    # given a deployment, which functions recognise by a new build in their environment
    functions, name = site.stack.client("lambda"), f"{site.stack.name}-sweeper"
    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**before, "BUILD": "c0ffee" * 10}}
    )
    try:
        wait_for(lambda: site.sweep() or noted(site), "the sweep to see the deployment")
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})
    page = open_page(PATH, "viewer")
    assert page.locator("path.mark").count() >= 1
    expect(page.locator(".deployments")).to_contain_text("c0ffeec0ffee")
    assert in_both_themes(page) == []
    page.locator(".deployments a").last.click()
    expect(page).to_have_url(re.compile(r"/tasks\?created_from="))
    expect(page.locator("h1")).to_contain_text("Tasks")


def noted(site):
    key = {":period": {"S": "deployments"}}
    table = site.stack.outputs["CountersTableName"]
    return site.stack.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="#period = :period",
        ExpressionAttributeNames={"#period": "period"},
        ExpressionAttributeValues=key,
    )["Items"]


def test_the_overview_and_its_updates_are_small(site, open_page):
    page = open_page("/signed-out", "operator", alone=True)
    page.clock.install()
    sizes = loaded_bytes(page, with_cache=False)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert 20_000 < sum(sizes) < FIRST_LOAD_BYTES
    sizes.clear()
    # when a task arrives, and a minute has passed, after which charts are requested again
    site.ended(site.stack.api.submit("generate_qr_code", item_id=site.items[0]["id"]))
    asked = []
    page.on("response", lambda answer: asked.append((answer.status, answer.url)) if "known=" in answer.url else None)

    def all_parts():
        if page.locator(".htmx-request").count() == 0:  # no update while a response is on its way
            page.clock.fast_forward(61_000)
        return {status for status, _ in asked} >= {200} and sum("/charts?" in url for _, url in asked) >= 5

    wait_for(all_parts, "every chart to be asked for")
    assert 0 < max(sizes) < UPDATE_BYTES
    # and the overview's update omits the rows that the page already has
    assert any("/?known=" in url and "have=" in url for _, url in asked)
    queues = site.stack.api.get("/v1/queues")["queues"]
    assert page.locator("#overview tr[id^=q-] td").count() == 4 * len(queues)


def test_the_overview_has_no_holes_with_failures(open_page):
    page = open_page("/", "viewer")
    found = {}
    for width in OVERVIEW_WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found[width] = holes(page)
    assert found == {width: [] for width in OVERVIEW_WIDTHS}


def test_the_overview_has_no_holes_while_nothing_fails(empty_holes):
    assert empty_holes == {width: [] for width in OVERVIEW_WIDTHS}


def test_a_browser_without_a_pdf_viewer_shows_a_notice_in_the_documents_box(site, open_page, waited):
    page = open_page(f"/tasks/{waited[0]}", "viewer")
    box = page.locator("figure.document object").bounding_box()
    sentence = page.get_by_text("This browser cannot show a PDF inside a page")
    expect(sentence).to_be_visible()
    said = sentence.bounding_box()
    assert box["height"] > 100
    assert box["x"] < said["x"]
    assert said["x"] + said["width"] < box["x"] + box["width"]
    assert box["y"] < said["y"] < box["y"] + box["height"] - said["height"]
