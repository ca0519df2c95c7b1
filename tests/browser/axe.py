"""Accessibility checks of an open page with axe-core."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

SCRIPT = (Path(__file__).parent / "vendor/axe-4.14.1.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Rules whose outcome depends on the theme.
COLOURS = ["color-contrast", "link-in-text-block"]


def violations(page: Page, rules: list[str] = RULES) -> list[str]:
    """Return axe's violations on the page, one line each."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules}).then(result => result.violations)", rules)
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}: {each['nodes'][0]['failureSummary']}" for each in found]


def in_both_themes(page: Page) -> list[str]:
    """Return axe's violations in the light and the dark theme; leaves the page in the light theme."""
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    found += violations(page, COLOURS)
    page.emulate_media(color_scheme="light")
    return found
