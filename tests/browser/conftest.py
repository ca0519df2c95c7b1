"""The deployed stack with a browser in front of it, and pages opened as somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.deployed import Site, deployed, fill


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The stack, filled, and a browser."""
    with deployed(tmp_path_factory.mktemp("aws")) as found:
        fill(found)
        yield found


@pytest.fixture
def open_page(site: Site) -> Iterator[Callable[..., Page]]:
    """Opens a page: `open_page("/tasks", "viewer", color_scheme="dark")`. A script's error fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(path: str, role: str | None = "superuser", *, status: int = 200, **options: Any) -> Page:
        context = site.context(role, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{path}: {error}"))
        page.on("console", lambda said: complaints.append(f"{path}: {said.text}") if said.type == "error" else None)
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}"
        return page

    yield opened
    for context in contexts:
        context.close()
    # An answer of 4xx that a test asked for is told by the browser as well; it is no error of a script.
    assert [each for each in complaints if "Failed to load resource" not in each] == []
