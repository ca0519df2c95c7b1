"""Alerts on the local stack: configured on the page; a real failure reaches a receiver after the sweep."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.browser.content import send
from tests.waiting import wait_for
from tests.webhook_receiver import webhook_receiver

SECRET = "/services/T0123/B4567/VeryS3cretTailwxyz"


@contextmanager
def reachable(site, receiver):
    """Let the function post to this machine and trust the receiver's certificate."""
    functions, name = site.stack.client("lambda"), f"{site.stack.name}-alerts"
    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    more = {"DOWNLOAD_ALLOWED_HOSTS": receiver.host, "REQUESTS_CA_BUNDLE": str(receiver.certificate)}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": before | more})
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})


@pytest.fixture(scope="module")
def receiver(site, tmp_path_factory):
    with webhook_receiver(tmp_path_factory.mktemp("receiver")) as running, reachable(site, running):
        yield running


def card_of(page, name):
    return page.locator("section.card", has=page.get_by_role("heading", name=name, exact=True))


def add(page, name, url, form="json"):
    """Fill in the form as an operator does."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Send by").select_option(form)
    page.get_by_label("Address").fill(url)
    page.get_by_role("button", name="Add alert").click()


def test_a_real_failure_is_reported_once_after_the_sweep(site, open_page, receiver):
    # given an alert that an operator adds and tests, without scripts
    page = open_page("/alerts", "operator", java_script_enabled=False)
    add(page, "hall", receiver.url(SECRET))
    card = card_of(page, "hall")
    expect(card).to_contain_text(f"{receiver.host}/…wxyz")
    card.get_by_role("button", name="Send test").click()
    expect(card_of(page, "hall")).to_contain_text("the receiver answered 200")
    assert [post.json["type"] for post in receiver.posts] == ["test"]

    # when a task fails, and the sweep has run
    task_id = send(site, "generate_qr_code", item_id="no uuid for the alert")
    site.ended(task_id)
    cause = site.record(task_id)["fingerprint"]

    def alerted():
        site.sweep()
        posts = [post for post in receiver.posts if post.json["type"] == "alert"]
        return [post for post in posts if cause in {each["subject"] for each in post.json["problems"]}]

    # then one message reports it, and the page shows its delivery
    [post] = wait_for(alerted, "the alert to arrive")
    [problem] = [each for each in post.json["problems"] if each["subject"] == cause]
    assert problem["url"].endswith(f"/failures/{cause}")
    alerted()
    page.reload()
    expect(card_of(page, "hall")).to_contain_text("delivered")
    assert len(alerted()) == 1
    assert "VeryS3cret" not in page.content()


def test_a_missing_webhook_is_reported_with_the_remedy(open_page, receiver):
    page = open_page("/alerts", "operator")
    add(page, "gone", receiver.url(SECRET))
    receiver.status = 404
    try:
        card_of(page, "gone").get_by_role("button", name="Send test").click()
    finally:
        expect(card_of(page, "gone")).to_contain_text("404")
        receiver.status = 200
    expect(card_of(page, "gone")).to_contain_text("create a new one")
    expect(page.get_by_role("status")).to_contain_text("was not delivered")
    card_of(page, "gone").get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Address")).to_have_value("")
    page.get_by_role("link", name="Cancel").click()
    card_of(page, "gone").get_by_role("button", name="Delete").click()
    expect(card_of(page, "gone")).to_have_count(0)


def test_an_invalid_webhook_url_is_reported_beside_its_field_and_not_shown_again(open_page):
    page = open_page("/alerts", "operator")
    page.get_by_label("Name").fill("wrong")
    page.get_by_label("Send by").select_option("slack")
    page.get_by_label("Address").fill("http://hooks.slack.com/services/secret")
    page.get_by_role("button", name="Add alert").click()
    expect(page.locator("#m-address")).to_contain_text("https://")
    expect(page.get_by_label("Address")).to_have_value("")
    expect(page.get_by_label("Name")).to_have_value("wrong")


@pytest.mark.parametrize("kind", ["new_cause", "queue_stuck", "schedule_missed", "dead_letter"])
def test_each_runbook_has_an_anchor_on_the_page(open_page, kind):
    page = open_page("/alerts", "viewer")
    expect(page.locator(f"h3#{kind}")).to_be_visible()
