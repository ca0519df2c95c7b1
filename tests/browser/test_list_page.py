"""The task list: each task with its item and outcome, the start time of waiting tasks, and counts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from makertasks import clock
from tests.browser.axe import in_both_themes
from tests.waiting import wait_for

SIZES = {"desk": (1280, 800), "tablet": (768, 1024), "phone": (360, 740)}
QR_CODE = "inventory.tasks.generate_qr_code"
# Height of one line of text with its padding, in pixels.
ROW_HEIGHT = 44


def row_of(page, task_id):
    return page.locator(f"tr[id='r{task_id}']")


def show(page, size):
    """Resize the page to one of `SIZES`."""
    page.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))
    page.reload()


def scheduled(site):
    """Submit a task that starts in an hour."""
    wanted = {"name": "generate_qr_code", "kwargs": {"item_id": site.items[1]["id"]}, "countdown": 3600}
    return site.stack.api.post("/v1/tasks", wanted)["id"]


class Busy(BaseHTTPRequestHandler):
    """A web server that responds 503 with Retry-After: one hour."""

    def do_GET(self):
        """Respond 503."""
        self.send_response(503)
        self.send_header("Retry-After", "3600")
        self.end_headers()

    def log_message(self, *_):
        """Print nothing."""


def variables_of(site, function):
    """A function's environment variables."""
    name = f"{site.stack.name}-{function}"
    return site.stack.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]


@contextmanager
def changed_environment(site, function, **variables) -> Iterator[None]:
    """Change a function's environment variables for a while."""
    functions, name, before = site.stack.client("lambda"), f"{site.stack.name}-{function}", variables_of(site, function)
    try:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": before | variables})
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})


@contextmanager
def retrying(site) -> Iterator[str]:
    """A download whose first attempt found a busy server, so that the next attempt starts in an hour."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    allowed = variables_of(site, "download_image_from_url")["DOWNLOAD_ALLOWED_HOSTS"]
    try:
        with changed_environment(site, "download_image_from_url", DOWNLOAD_ALLOWED_HOSTS=f"{allowed} {host}"):
            kwargs = {"item_id": site.items[2]["id"], "image_url": f"http://{host}/busy.png", "override": True}
            task_id = site.stack.api.submit("download_image_from_url", **kwargs)
            wait_for(lambda: site.record(task_id)["status"] == "RETRY", "the first attempt to fail")
            yield task_id
    finally:
        server.shutdown()
        server.server_close()


def test_a_row_shows_the_items_name_and_a_short_result_and_links_to_both(site, open_page):
    item = site.items[0]
    page = open_page(f"/tasks?item_id={item['id']}", "viewer")
    row = row_of(page, site.tasks["done"])
    expect(row.locator("td.name a")).to_have_text("Generate QR code")
    expect(row.locator("td.item a")).to_have_text(item["name"])
    expect(row.locator("td.item a")).to_have_attribute("title", f"Item {item['id']}")
    expect(row.locator("td.outcome")).to_have_text("QR code (PNG)")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text(f"item: {item['name']}")
    row.locator("td.item a").click()
    expect(page.locator("main h1")).to_have_text(item["name"])


def test_a_failed_row_has_the_first_line_of_its_error(site, open_page):
    page = open_page("/tasks?status=FAILURE", "viewer")
    message = site.stack.api.get(f"/v1/tasks/{site.tasks['failed']}")["error"]["message"]
    shown = row_of(page, site.tasks["failed"]).locator("td.outcome").inner_text()
    assert len(shown) > 20
    assert message.splitlines()[0].startswith(shown.removesuffix("…"))


@pytest.mark.parametrize("role", ["viewer", "operator", "superuser"])
def test_each_row_is_one_line_at_1280_pixels(open_page, role):
    page = open_page("/tasks", role)
    heights = page.locator("table.tasks tbody tr").evaluate_all("rows => rows.map(row => row.offsetHeight)")
    assert len(heights) == 25
    assert max(heights) <= ROW_HEIGHT
    assert page.locator(".content .scroll").evaluate("box => box.scrollWidth <= box.clientWidth")


@pytest.mark.parametrize("size", ["tablet", "phone"])
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_cards_show_everything_that_distinguishes_tasks_and_are_not_cut_off(open_page, role, size):
    page = open_page("/tasks", role)
    show(page, size)
    cards = page.locator("table.tasks tbody tr")
    assert cards.first.evaluate("row => getComputedStyle(row).display") == "grid"
    for part in ("name", "status", "created"):
        expect(cards.first.locator(f"td.{part}")).to_be_visible()
    assert page.locator(".content .scroll").evaluate("box => box.scrollWidth <= box.clientWidth")
    texts = cards.evaluate_all("rows => rows.map(row => row.innerText)")
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_the_list_has_no_axe_violations(open_page, size, role):
    page = open_page("/tasks", role)
    show(page, size)
    assert in_both_themes(page) == []


def test_scheduled_tasks_have_a_tab_with_their_time_and_run_now(site, open_page):
    # given a task that starts in an hour
    task_id = scheduled(site)
    # then a viewer sees its time without a button
    viewers = open_page("/tasks?scheduled=true&sort=eta", "viewer", java_script_enabled=False)
    expect(row_of(viewers, task_id).locator("td.outcome time")).to_be_visible()
    expect(viewers.get_by_role("button", name="Run now")).to_have_count(0)
    # and an operator finds it in its tab, at every size
    page = open_page("/tasks", "operator")
    page.get_by_role("link", name="Scheduled").click()
    expect(page).to_have_url(re.compile("scheduled=true"))
    row = row_of(page, task_id)
    expect(row.locator("td.outcome time")).to_contain_text(re.compile("in (1 hour|60 minutes|59 minutes)"))
    listed = site.stack.api.get("/v1/tasks", scheduled="true", limit=100)["tasks"]
    expect(page.locator("main h1 small")).to_have_text(str(len(listed)))
    expect(page.get_by_role("button", name="Retry …")).to_have_count(0)
    for size in SIZES:
        show(page, size)
        expect(row.get_by_role("button", name="Run now")).to_be_in_viewport()
        assert in_both_themes(page) == []
    # when it is run now, then it succeeds
    row.get_by_role("button", name="Run now").click()
    expect(page.locator(".said")).to_contain_text("no longer waits")
    assert site.ended(task_id)["status"] == "SUCCESS"


def test_retrying_tasks_have_a_tab_with_their_next_attempt_and_run_now(site, open_page):
    with retrying(site) as task_id:
        # then a viewer sees it in its tab without a button
        viewers = open_page("/tasks", "viewer", java_script_enabled=False)
        viewers.get_by_role("link", name=re.compile("^Retrying")).click()
        expect(viewers.locator(".tabs [aria-current]")).to_contain_text("Retrying")
        expect(row_of(viewers, task_id).locator("td.status")).to_contain_text("RETRY")
        expect(viewers.get_by_role("button", name="Run now")).to_have_count(0)
        # and an operator sees its next attempt, its error and its item
        page = open_page("/tasks?status=RETRY&sort=retry_at", "operator")
        row = row_of(page, task_id)
        expect(row.locator("td.outcome time")).to_contain_text(re.compile("in (1 hour|60 minutes|59 minutes)"))
        expect(row.locator("td.outcome")).to_contain_text("503")
        expect(row.locator("td.item a")).to_have_text(site.items[2]["name"])
        # when it is run now, then the second attempt is made
        row.get_by_role("button", name="Run now").click()
        expect(page.locator(".said")).to_contain_text("no longer waits")
        wait_for(lambda: len(site.stack.api.get(f"/v1/tasks/{task_id}")["attempts"]) > 1, "the second attempt")


def test_every_filters_count_agrees_with_the_statistics(site, open_page):
    ago = clock.text(clock.now() - timedelta(days=60))
    page = open_page("/tasks", "viewer", java_script_enabled=False)

    def counts(heading):
        section = page.locator(".side section").filter(has=page.get_by_role("heading", name=heading, exact=True))
        listed = section.locator("a", has=page.locator("small")).all()
        return {each.inner_text().split("\n")[0].strip(): int(each.locator("small").inner_text()) for each in listed}

    def agree():
        page.goto("/tasks?status=FAILURE")
        reported = site.stack.api.get("/v1/statistics", created_from=ago)
        shown = {
            "status": counts("Status"),
            "name": counts("Task"),
            "total": int(page.locator("h1 small").inner_text()),
        }
        of_qr_codes = next(each for each in reported["by_name"] if each["name"] == QR_CODE)["counts"].get("FAILURE", 0)
        expected = {name: reported["totals"].get(name, 0) for name in shown["status"]}
        is_same = (shown["status"], shown["total"]) == (expected, expected["FAILURE"])
        return is_same and shown["name"]["Generate QR code"] == of_qr_codes and set(counts("Created")) >= {"Today"}

    assert wait_for(agree, "the counts to agree with the statistics")
    page.goto("/tasks?q=timeout")
    expect(page.locator(".side li small")).to_have_count(0)


@pytest.mark.parametrize("role", ["viewer", "superuser"])
def test_a_search_continues_automatically_and_shows_its_progress(site, open_page, role):
    # given a page that records its requests and its progress
    page = open_page("/tasks?sort=created", role, alone=True)
    oldest = page.locator("table.tasks tbody tr").first.get_attribute("id").removeprefix("r")
    steps, reported = [], []
    page.on("request", lambda request: steps.append(request.url) if "cursor=" in request.url else None)
    page.expose_function("tell", lambda text: reported.append(text))  # noqa: PLW0108 - Playwright needs a function of Python
    page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
            const progress = document.querySelector("[data-searched]");
            if (!progress) return;
            tell(progress.textContent);
            new MutationObserver(() => tell(progress.textContent)).observe(progress, { childList: true });
        })"""
    )
    # when a search needs more than one step
    with changed_environment(site, "api", SEARCH_STEP_SECONDS="0"):
        page.goto(f"/tasks?q=id:{oldest[:-1]}")  # a part of the id, which no index has
        expect(row_of(page, oldest)).to_be_visible()
        expect(page.locator("[data-searched]")).to_have_text("Searched all matching dates.")
    # then each step loaded only the list, and the progress was shown
    assert len(steps) > 1
    assert all("step=yes" in address for address in steps)
    assert len({text for text in reported if "Searched back to" in text}) > 1
    assert page.locator("table.tasks tbody tr").count() == 1


def test_the_filters_fields_are_aligned_at_every_width(open_page):
    page = open_page("/tasks", "viewer")
    worker, item = page.locator(".side input[name=worker]"), page.locator(".side #item")
    apply = page.locator(".side").get_by_role("button", name="Apply")
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator(".filters").evaluate("each => { each.open = true; }")
        beside, field, button = worker.bounding_box(), item.bounding_box(), apply.bounding_box()
        assert field["x"] == beside["x"] or abs(field["y"] - beside["y"]) <= 2
        assert button["y"] - (field["y"] + field["height"]) >= 8 or button["y"] <= field["y"] + field["height"]
