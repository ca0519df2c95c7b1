"""Runs all four tasks on the sample inventory through the API, and shows how they get on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.errors import SampleFailed
from infra.local.sample import load
from infra.local.stack import LocalStack

FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
DOWNLOAD, QR_CODE, CARD, LEAD_TIMES = (
    "download_image_from_url",
    "generate_qr_code",
    "generate_index_card",
    "update_average_lead_times",
)
IMPORT = "import_dump"

# Seconds without progress after which the trial gives up. Each function starts once, in about a second on two cores.
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.4  # the API answers on the same processor that runs the tasks

Task = dict[str, Any]  # a task as GET /v1/tasks shows it


@dataclass
class Trial:
    """What ran: the tasks since `since`, by short name and item."""

    since: str
    items: Mapping[str, str]  # name by id
    tasks: list[Task] = field(default_factory=list)

    def of(self, name: str, item_id: str | None = None) -> Task | None:
        """The newest task of that name, for that item."""
        found = (task for task in self.tasks if short_name(task) == name and task["item_id"] == item_id)
        return next(found, None)

    @property
    def failed(self) -> list[Task]:
        """The tasks that did not succeed."""
        return [task for task in self.tasks if task["status"] in FINAL - {"SUCCESS"}]


def short_name(task: Task) -> str:
    """The task's name without its module."""
    return str(task["name"]).rpartition(".")[2]


def import_sample(stack: LocalStack) -> Task:
    """Drop the sample dump into the bucket and wait until it is imported; answers the import's task."""
    trial = Trial(now(), {})
    load.drop(stack.aws.connection, stack.outputs["MediaBucketName"])
    _wait(stack, trial, {IMPORT: 1}, progress=None)
    done = trial.of(IMPORT)
    if done is None or done["status"] != "SUCCESS":
        raise SampleFailed(f"the sample inventory was not imported: {done and done['error']}")
    return stack.api.get(f"/v1/tasks/{done['id']}")


def run(stack: LocalStack, console: Console, *, since: str | None) -> Trial:
    """Run the four tasks and wait for their end.

    After an import (`since` is its time) on every item, images being fetched by the stack itself because the items
    have an address and no image; else on one item, to show that everything still works. Raises SampleFailed.
    """
    trial = Trial(since or now(), load.items())
    with_image = load.items_with_image()
    chosen = list(trial.items) if since else with_image[:1]
    api = stack.api
    with _progress(console) as progress:
        if not since:
            address = api.get(f"/v1/items/{chosen[0]}")["image_url"]
            api.submit(DOWNLOAD, item_id=chosen[0], image_url=address)
        for item_id in chosen:
            api.submit(QR_CODE, item_id=item_id)
        api.submit(LEAD_TIMES)
        expected = {DOWNLOAD: len(with_image) if since else 1, QR_CODE: len(chosen), LEAD_TIMES: 1}
        if since:  # cards show images and lead times, so the first ones wait for these
            _wait(stack, trial, expected, progress)
        for item_id in chosen:
            api.submit(CARD, item_id=item_id)
        _wait(stack, trial, expected | {CARD: len(chosen)}, progress)
    return trial


def _wait(stack: LocalStack, trial: Trial, expected: Mapping[str, int], progress: Progress | None) -> None:
    """Follow the tasks until as many of each name have ended as are expected."""
    seen, moved = "", time.monotonic()
    while True:
        trial.tasks = list(stack.api.tasks(created_from=trial.since))
        ended = Counter(short_name(task) for task in trial.tasks if task["status"] in FINAL)
        if progress:
            _show(progress, ended, expected)
        if all(ended[name] >= number for name, number in expected.items()):
            return
        state = " ".join(sorted(f"{task['id']}{task['status']}" for task in trial.tasks))
        if state != seen:
            seen, moved = state, time.monotonic()
        elif time.monotonic() - moved > PATIENCE_SECONDS:
            missing = ", ".join(
                f"{name} {ended[name]} of {number}" for name, number in expected.items() if ended[name] < number
            )
            raise SampleFailed(f"nothing has moved for {PATIENCE_SECONDS} s ({missing}): {stack.aws.last_error()}")
        time.sleep(POLL_SECONDS)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("    {task.description:26}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _show(progress: Progress, ended: Mapping[str, int], expected: Mapping[str, int]) -> None:
    rows = {task.description: task.id for task in progress.tasks}
    for name, number in expected.items():
        row = rows[name] if name in rows else progress.add_task(name, total=number)
        progress.update(row, completed=min(ended.get(name, 0), number))


def now() -> str:
    """The present as the API writes times."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
