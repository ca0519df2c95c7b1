"""Takes screenshots of every page in both themes for docs/screenshots/.

python -m tests.browser.screenshots
"""

from __future__ import annotations

import io
import sys
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from infra.local import trial
from makertasks import clock, wire
from tests.browser import history, tries
from tests.browser.content import send
from tests.browser.deployed import Site, deployed
from tests.waiting import wait_for

FOLDER = Path(__file__).parents[2] / "docs/screenshots"
TASKS = 300
THEMES = ("light", "dark")
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
# Maximum height; longer pages are cut off.
TALLEST = 1800
QUALITY = 72
PAGES = {
    "overview": "/",
    "tasks": "/tasks",
    "task": "/tasks/{done}",
    "failed-task": "/tasks/{failed}",
    "retry": "/tasks/{failed}/retry",
    "task-types": "/task-types",
    "task-type": "/task-types/inventory.tasks.generate_qr_code",
    "queues": "/queues",
    "queue": "/queues/generate_index_card",
    "workers": "/workers",
    "schedules": "/schedules",
    "items": "/items",
    "item": "/items/{item}",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "activity": "/activity",
    "alerts": "/alerts",
    "signed-out": "/signed-out",
}
ON_A_PHONE = ("overview", "tasks", "task", "item")


def main() -> int:
    """Retake every screenshot."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as site:
        for theme in THEMES:
            take(site, "empty", "/", theme)
        prepare(site)
        for theme in THEMES:
            for name, path in PAGES.items():
                take(site, name, path, theme)
    return 0


def prepare(site: Site) -> None:
    """Create a month of history, one item's files, a failed task, a dead letter, a job and a paused queue."""
    api = site.stack.api
    trial.import_sample(site.stack)
    site.items = api.get("/v1/items", limit=50)["items"]
    history.write(site.stack, site.items, clock.now(), TASKS)
    item = wait_for(lambda: with_image(site), "an item's image to be downloaded")
    site.items = [item, *site.items]
    item_id = item["id"]
    site.tasks["done"] = api.submit("generate_qr_code", item_id=item_id)
    site.tasks["card"] = api.submit("generate_index_card", item_id=item_id)
    for task_id in site.tasks.values():
        site.ended(task_id)
    with history.environment(site.stack):
        site.tasks["failed"] = tries.write("5d1f0c3e-8a52-4c77-9f3b-2f6e0d9b1c48", clock.now() - timedelta(minutes=25))
    site.ended(send(site, "generate_qr_code", item_id="no-uuid"))
    sqs = site.stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{site.stack.name}-dead-letters")["QueueUrl"]
    dead = wire.Message(str(uuid.uuid4()), "inventory.tasks.generate_index_card", kwargs={"item": 7})
    sqs.send_message(QueueUrl=url, MessageBody=wire.encode(dead, "generate_index_card"))
    site.sweep()
    site.ended(dead.task_id)
    # Some of them can be retried, and one cannot.
    lately = clock.text(clock.now() - timedelta(minutes=15))
    where = {"name": "inventory.tasks.generate_qr_code", "created_from": lately}
    site.tasks["job"] = api.post("/v1/jobs", {"action": "retry", "where": where})["id"]
    site.ended(site.tasks["job"])
    api.post("/v1/queues/generate_index_cards/pause", {})
    api.submit("generate_index_cards", item_ids=[item_id])


def with_image(site: Site) -> dict[str, Any] | None:
    """Return an item that has its image."""
    return next((each for each in site.stack.api.get("/v1/items", limit=50)["items"] if each.get("image")), None)


def take(site: Site, name: str, path: str, theme: str) -> None:
    """Take one page's screenshots in one theme."""
    with site.context(
        "superuser", color_scheme=theme, viewport=DESK, timezone_id="Europe/Berlin", locale="en-GB"
    ) as context:
        page = context.new_page()
        page.goto(path.format(**site.tasks, item=site.items[0]["id"] if site.items else ""))
        page.wait_for_load_state("networkidle")
        keep(page, f"{name}-{theme}")
        if name in ON_A_PHONE:
            page.set_viewport_size(PHONE)
            page.reload()
            page.wait_for_load_state("networkidle")
            keep(page, f"{name}-phone-{theme}")


def keep(page: Page, name: str) -> None:
    """Return a compressed screenshot of the page."""
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    picture.crop((0, 0, picture.width, min(picture.height, TALLEST))).save(
        FOLDER / f"{name}.webp", quality=QUALITY, method=6
    )


if __name__ == "__main__":
    sys.exit(main())
