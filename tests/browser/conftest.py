"""Fixtures: the deployed stack, and pages opened in a browser with a given role."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, ViewportSize

from tests.browser.axe import violations
from tests.browser.content import fill
from tests.browser.deployed import Site, deployed
from tests.browser.fit import holes

DESK: ViewportSize = {"width": 1280, "height": 800}
OVERVIEW_WIDTHS = (768, 1280, 1920)
EMPTY_PAGES = ("/", "/tasks", "/items", "/jobs", "/activity")


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack right after its first deployment, and a browser."""
    with deployed(tmp_path_factory.mktemp("aws")) as found:
        yield found


@pytest.fixture(scope="session")
def empty_pages(new_site: Site) -> dict[str, tuple[str, list[str]]]:
    """Text and axe violations of pages while the stack is empty."""
    found = {}
    with new_site.context("superuser") as context:
        page = context.new_page()
        for path in EMPTY_PAGES:
            page.goto(path)
            found[path] = (page.locator("main").inner_text(), violations(page))
    return found


@pytest.fixture(scope="session")
def empty_holes(new_site: Site) -> dict[int, list[str]]:
    """Holes between and in the overview's cards while the stack is empty, by width."""
    found = {}
    with new_site.context("superuser") as context:
        page = context.new_page()
        page.goto("/")
        for width in OVERVIEW_WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found[width] = holes(page)
    return found


@pytest.fixture(scope="session")
def site(new_site: Site, empty_pages: object, empty_holes: object) -> Site:
    """The stack with content, and a browser."""
    fill(new_site)
    return new_site


class Browsers:
    """Browser contexts by role and options, each with one page, kept for all tests because opening them is slow."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.kept: dict[Any, BrowserContext] = {}

    def context(self, role: str | None, **options: Any) -> BrowserContext:
        """Return the context of a role."""
        key = (role, *sorted(options.items()))
        if key not in self.kept:
            self.kept[key] = self.site.context(role, **options)
        return self.kept[key]

    def page(self, role: str | None, busy: list[Page], **options: Any) -> Page:
        """Return that context's page, or another one if it is in use."""
        context = self.context(role, **options)
        page = next((each for each in context.pages if each not in busy), None) or context.new_page()
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme="light")
        return page

    def close(self) -> None:
        """Close all contexts."""
        for context in self.kept.values():
            context.close()


@pytest.fixture(scope="session")
def browsers(new_site: Site) -> Iterator[Browsers]:
    """The browser contexts of all roles."""
    kept = Browsers(new_site)
    yield kept
    kept.close()


@pytest.fixture
def open_page(site: Site, browsers: Browsers) -> Iterator[Callable[..., Page]]:
    """Opens a page: `open_page("/tasks", "viewer", timezone_id="Asia/Tokyo")`. A script's error fails the test.

    `alone` in a browser of its own, for tests that change cookies or move its clock (`clock`).
    """
    opened: list[Page] = []
    alone_in: list[BrowserContext] = []
    complaints: list[str] = []

    def on_error(error: Error) -> None:
        complaints.append(str(error))

    def on_console(said: ConsoleMessage) -> None:
        # The browser also logs a 4xx response that a test provoked; that is not a script's error.
        if said.type == "error" and "the server responded with a status of 4" not in said.text:
            complaints.append(said.text)

    def opens(
        path: str, role: str | None = "superuser", *, status: int = 200, alone: bool = False, clock: bool = False,
        **options: Any,
    ) -> Page:  # fmt: skip
        if alone or clock:
            context = site.context(role, **options)
            alone_in.append(context)
            page = context.new_page()
        else:
            page = browsers.page(role, opened, **options)
            opened.append(page)
        page.on("pageerror", on_error)
        page.on("console", on_console)
        if clock:
            page.clock.install()
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path} returned {answer.status}"
        if clock:
            page.wait_for_load_state("networkidle")  # pictures, too: such tests count requests or turn the network off
        return page

    yield opens
    for page in opened:
        page.remove_listener("pageerror", on_error)
        page.remove_listener("console", on_console)
        page.unroute_all()
        page.goto("about:blank")  # a page without requests
    for context in alone_in:
        context.close()
    assert complaints == []
