"""Runs every task type in GET /v1/task-types on the sample inventory, and shows the progress."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.errors import SampleFailed
from infra.local.sample import load
from infra.local.stack import LocalStack

FINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
IMPORT = "makertasks.import_dump"
# The stack itself submits this task for an item that has an image URL but no image.
DOWNLOAD = "inventory.tasks.download_image_from_url"

# Seconds without progress after which the trial fails. Each function starts once, in about a second on two cores.
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.4  # the API runs on the same processors as the tasks

Task = dict[str, Any]  # a task as GET /v1/tasks shows it
TaskType = dict[str, Any]  # a task type as GET /v1/task-types shows it


@dataclass
class Trial:
    """The task types, and the tasks created since `since`."""

    since: str
    items: Mapping[str, str]  # name by id
    types: list[TaskType]
    tasks: list[Task] = field(default_factory=list)

    def of(self, name: str, item_id: str | None = None) -> Task | None:
        """Return the newest task with that name for that item; None if there is none."""
        found = (task for task in self.tasks if task["name"] == name and task["item_id"] == item_id)
        return next(found, None)

    @property
    def failed(self) -> list[Task]:
        """The finished tasks that did not succeed."""
        return [task for task in self.tasks if task["status"] in FINAL - {"SUCCESS"}]

    @property
    def for_items(self) -> list[TaskType]:
        """The types that run for one item."""
        return [each for each in self.types if each["item_button"]]

    @property
    def by_example(self) -> list[TaskType]:
        """The other types, which run once with their example arguments."""
        return [each for each in self.types if not each["item_button"] and each["example"] is not None]


def short_name(name: str) -> str:
    """Return a task's name without its module."""
    return name.rpartition(".")[2]


def import_sample(stack: LocalStack) -> Task:
    """Put the sample dump into the bucket, wait until it is imported, and return the import's task.

    The dump's key is the key in the task type's example, so that a later trial can import it again.
    """
    trial = Trial(now(), {}, [])
    key = stack.api.get(f"/v1/task-types/{IMPORT}")["example"]["key"]
    load.put(stack.aws.connection, stack.outputs["MediaBucketName"], key)
    _wait(stack, trial, {IMPORT: 1}, progress=None)
    done = trial.of(IMPORT)
    if done is None or done["status"] != "SUCCESS":
        raise SampleFailed(f"the sample inventory was not imported: {done and done['error']}")
    return stack.api.get(f"/v1/tasks/{done['id']}")


def run(stack: LocalStack, console: Console, *, since: str | None) -> Trial:
    """Run every task type and wait until all tasks have finished.

    After an import (`since` is its time), the types that run for an item run for every item, except downloads, which
    the stack itself has submitted. Without an import, they run for one item, to show that everything still works. Types
    without an item run with their examples. Raises SampleFailed.
    """
    trial = Trial(since or now(), load.items(), stack.api.get("/v1/task-types")["task_types"])
    with_image = load.items_with_image()
    chosen = list(trial.items) if since else with_image[:1]
    submitted = Counter({DOWNLOAD: len(with_image), IMPORT: 1}) if since else Counter[str]()
    done_already = frozenset(submitted)
    with _progress(console) as progress:
        # Cards show images and lead times, so tasks without an item run first.
        about_items = [each for each in trial.by_example if _mentions(each["example"], trial.items)]
        first = [each for each in trial.by_example if each not in about_items and each["name"] not in done_already]
        submitted += _submit(stack, ((each["name"], each["example"]) for each in first))
        _wait(stack, trial, submitted, progress)
        wanted = [each for each in trial.for_items if each["name"] not in done_already]
        submitted += _submit(stack, _for_items(wanted, [stack.api.get(f"/v1/items/{each}") for each in chosen]))
        submitted += _submit(stack, ((each["name"], each["example"]) for each in about_items))
        _wait(stack, trial, submitted, progress)
    return trial


def _mentions(example: Task, items: Iterable[str]) -> bool:
    text = json.dumps(example)
    return any(item_id in text for item_id in items)


def _for_items(types: list[TaskType], items: list[dict[str, Any]]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield name and arguments of each type for each item that has the required values, as an item's page does."""
    for each in types:
        names_item = each["item_button"]["argument"]
        needed = [name for name in each["arguments"].get("required", ()) if name != names_item]
        for item in items:
            if all(item.get(name) for name in needed):
                yield each["name"], {names_item: item["id"], **{name: item[name] for name in needed}}


def _submit(stack: LocalStack, tasks: Iterable[tuple[str, dict[str, Any]]]) -> Counter[str]:
    """Submit the tasks and return their number by name."""
    number: Counter[str] = Counter()
    for name, kwargs in tasks:
        stack.api.post("/v1/tasks", {"name": name, "kwargs": kwargs})
        number[name] += 1
    return number


def _wait(stack: LocalStack, trial: Trial, expected: Mapping[str, int], progress: Progress | None) -> None:
    """Follow the tasks until the expected number of each name has finished."""
    seen, moved = "", time.monotonic()
    while True:
        trial.tasks = list(stack.api.tasks(created_from=trial.since))
        ended = Counter(task["name"] for task in trial.tasks if task["status"] in FINAL)
        if progress:
            _show(progress, ended, expected)
        if all(ended[name] >= number for name, number in expected.items()):
            return
        state = " ".join(sorted(f"{task['id']}{task['status']}" for task in trial.tasks))
        if state != seen:
            seen, moved = state, time.monotonic()
        elif time.monotonic() - moved > PATIENCE_SECONDS:
            missing = ", ".join(
                f"{short_name(name)} {ended[name]} of {number}"
                for name, number in expected.items()
                if ended[name] < number
            )
            raise SampleFailed(f"no progress for {PATIENCE_SECONDS} s ({missing}): {stack.aws.last_error()}")
        time.sleep(POLL_SECONDS)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("    {task.description:26}"), BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _show(progress: Progress, ended: Mapping[str, int], expected: Mapping[str, int]) -> None:
    rows = {task.description: task.id for task in progress.tasks}
    for name, number in expected.items():
        label = short_name(name)
        row = rows[label] if label in rows else progress.add_task(label, total=number)
        progress.update(row, completed=min(ended.get(name, 0), number))


def now() -> str:
    """Return the current time in the API's format."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
