"""Swagger UI, signed in: it shows the API's document and makes a call, with no foreign or blocked requests."""

from __future__ import annotations

import json

from playwright.sync_api import expect


def test_swagger_ui_shows_the_document_and_makes_a_call(open_page, site):
    # given the documentation, opened by a viewer
    page = open_page("/docs", "viewer")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    # then every part of the document is shown
    expect(page.get_by_role("heading", name="makertasks").first).to_be_visible(timeout=30_000)
    expect(page.locator(".opblock-tag")).to_have_count(len(site.stack.api.get("/v1/openapi.json")["tags"]))
    # and a call can be tried with the reader's own session
    page.locator("#operations-tag-System").click()
    page.locator("#operations-System-get_me").get_by_role("button").first.click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator("#operations-System-get_me .live-responses-table .response-col_description .microlight").first
    expect(answer).to_be_visible(timeout=30_000)
    assert json.loads(answer.inner_text())["role"] == "viewer"
    # and all requests went to our own origin; one that the policy blocks would be a console error
    assert [url for url in asked if not url.startswith((site.address, "data:"))] == []
