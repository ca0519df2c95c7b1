"""Chromium on the deployed local stack, signed in with each role."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, StorageState, expect, sync_playwright

from infra.local.stack import LocalStack, local_stack
from tests.waiting import PATIENCE_SECONDS, wait_for

# Maximum wait for a page to react to a click, on a slow machine.
EXPECT_SECONDS = 20
FINAL = {"SUCCESS", "FAILURE", "REVOKED"}
# No sandbox, because tests run as root in containers; no background requests to the vendor.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic", "--disable-software-rasterizer", "--renderer-process-limit=2",
]  # fmt: skip
# The headless shell is the same engine without a user interface, and starts faster.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@dataclass
class Site:
    """The stack and its browser, with the content that tests look for."""

    stack: LocalStack
    browser: Browser
    tasks: dict[str, str] = field(default_factory=dict)  # ids by outcome
    items: list[dict[str, Any]] = field(default_factory=list)
    hostile_item: str = ""
    sessions: dict[str, StorageState] = field(default_factory=dict)  # cookies by role

    @property
    def address(self) -> str:
        """URL of the pages."""
        return f"http://{self.stack.outputs['ApiId']}.execute-api.localhost:{self.stack.aws.port}"

    def context(self, role: str | None = "superuser", **options: Any) -> BrowserContext:
        """A new browser context, signed in with that role; without animations, which make checks flaky."""
        if role and role not in self.sessions:
            self.sessions[role] = self._sign_in(role)
        session = self.sessions[role] if role else None
        context = self.browser.new_context(
            base_url=self.address, storage_state=session, reduced_motion="reduce", **options
        )
        # A busy machine starts functions slowly; waits below end as soon as their condition holds.
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        return context

    def _sign_in(self, role: str) -> StorageState:
        with self.browser.new_context(base_url=self.address) as context:
            context.set_default_timeout(PATIENCE_SECONDS * 1000)
            page = context.new_page()
            page.goto("/workers")
            page.locator("input[name=username]:visible").fill(role)
            page.locator("input[name=password]:visible").fill(self.stack.sign_ins[role].password)
            page.locator("input[name=password]:visible").press("Enter")
            page.wait_for_url("**/workers")
            return context.storage_state()

    def record(self, task_id: str) -> dict[str, Any]:
        """A task's DynamoDB item; text attributes without their type."""
        key = {"id": {"S": str(f"celery-task-meta-{task_id}".encode())}}
        table = self.stack.outputs["TasksTableName"]
        found = self.stack.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def sweep(self) -> None:
        """Run the sweep now instead of waiting for its schedule."""
        answer = self.stack.client("lambda").invoke(FunctionName=f"{self.stack.name}-sweeper", Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def ended(self, task_id: str) -> dict[str, Any]:
        """Wait until the task has finished and return its record."""

        def look() -> dict[str, Any] | None:
            found = self.record(task_id)
            return found if found.get("status") in FINAL else None

        return wait_for(look, f"task {task_id} to end")


@contextmanager
def deployed(data: Path) -> Iterator[Site]:
    """The stack on a local AWS with its folders in `data`, still empty, and a browser."""
    with local_stack(data) as stack, sync_playwright() as playwright:
        expect.set_options(timeout=EXPECT_SECONDS * 1000)
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield Site(stack, browser)
        browser.close()


def chromium() -> str | None:
    """Path of this machine's Chromium; None means that only Playwright may have one."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)
