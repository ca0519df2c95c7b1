"""Chromium in front of the deployed local stack: people of each role, items, and tasks that went well and badly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from infra.local import trial
from infra.local.stack import LocalStack, local_stack
from tests.waiting import wait_for

FINAL = {"SUCCESS", "FAILURE", "REVOKED"}
# No sandbox, since tests run as root in containers; nothing that calls home.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic",
]  # fmt: skip
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

# Markup, a name written from right to left, emoji and 2,000 characters.
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> '\"& مرحبا بالعالم 🧪 "
LONG = HOSTILE + "<b>" + "x" * 2000


@dataclass
class Site:
    """The stack as a browser sees it, and what tests look for in it."""

    stack: LocalStack
    browser: Browser
    tokens: dict[str, str]
    tasks: dict[str, str] = field(default_factory=dict)  # ids by what became of them
    items: list[dict[str, Any]] = field(default_factory=list)
    hostile_item: str = ""

    @property
    def address(self) -> str:
        """Address of the pages."""
        return f"http://{self.stack.outputs['ApiId']}.execute-api.localhost:{self.stack.aws.port}"

    def context(self, role: str | None = "superuser", **options: Any) -> BrowserContext:
        """A browser window of its own, signed in as somebody of that role."""
        context = self.browser.new_context(base_url=self.address, **options)
        if role:
            session = {"name": "makertasks_session", "value": self.tokens[role], "url": self.address}
            context.add_cookies([{**session, "httpOnly": True, "sameSite": "Lax"}])
        return context

    def record(self, task_id: str) -> dict[str, Any]:
        """A task's item of the table, without DynamoDB's types where they are text."""
        key = {"id": {"S": str(f"celery-task-meta-{task_id}".encode())}}
        table = self.stack.outputs["TasksTableName"]
        found = self.stack.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def ended(self, task_id: str) -> dict[str, Any]:
        """The record once the task has ended."""

        def look() -> dict[str, Any] | None:
            found = self.record(task_id)
            return found if found.get("status") in FINAL else None

        return wait_for(look, f"task {task_id} to end")


@contextmanager
def deployed(data: Path) -> Iterator[Site]:
    """The stack on a local AWS with its folders in `data`, the sample inventory in it, and a browser."""
    with local_stack(data) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        site = Site(stack, browser, {role: each.token() for role, each in stack.sign_ins.items()})
        trial.import_sample(stack)
        site.items = stack.api.get("/v1/items", limit=50)["items"]
        yield site
        browser.close()


def chromium() -> str:
    """The browser that this machine has."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError("there is no Chromium; on Debian: apt install chromium")
    return found


def fill(site: Site) -> None:
    """An item with a hostile name, and tasks that end each way."""
    api = site.stack.api
    first = site.items[0]["id"]
    site.hostile_item = "0b5c1f0e-6f0a-4a54-9d0c-3a1f6f2b7c11"
    texts = {name: {"S": LONG} for name in ("name", "sku", "description", "location")}
    site.stack.client("dynamodb").put_item(
        TableName=site.stack.outputs["InventoryTableName"],
        Item={
            "owner": {"S": f"item#{site.hostile_item}"},
            "entry": {"S": "item"},
            "kind": {"S": "item"},
            "listing": {"S": "item"},
            "sort_name": {"S": "zz hostile"},
            "category": {"M": {"name": {"S": HOSTILE}, "color": {"S": "#2563eb"}}},
            **texts,
        },
    )
    site.tasks["done"] = api.submit("generate_qr_code", item_id=first)
    site.tasks["card"] = api.submit("generate_index_card", item_id=first)
    # What is sent to a queue directly is checked only when it runs.
    site.tasks["failed"] = send(site, "generate_qr_code", item_id="no-uuid")
    site.tasks["hostile"] = send(site, "generate_qr_code", item_id=LONG)
    for task_id in site.tasks.values():
        site.ended(task_id)


def send(site: Site, queue: str, **kwargs: str) -> str:
    """Put arguments into a task's queue as the SQS console does; answers the task's id."""
    sqs = site.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{site.stack.name}-tasks-{queue}")["QueueUrl"]
    return str(sqs.send_message(QueueUrl=url, MessageBody=json.dumps(kwargs))["MessageId"])
