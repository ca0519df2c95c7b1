"""Prints the outcome of `make run`: results, files, and how to call the API."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.local.errors import SampleFailed
from infra.local.ministack import ROOT
from infra.local.stack import LocalStack
from infra.local.trial import Task, Trial, short_name

# The colours in which Django admin shows OpenMakerSuite's task results.
COLOURS = {"SUCCESS": "green", "FAILURE": "red", "PENDING": "yellow", "STARTED": "blue", "RETRY": "magenta"}
NAME_WIDTH = 36
REASON_WIDTH = 300
DOWNLOAD_SECONDS = 10
# The tasks in the printed examples.
QR_CODE, CARD = "inventory.tasks.generate_qr_code", "inventory.tasks.generate_index_card"


class Step:
    """One line of progress, followed by `note`."""

    note = ""


@contextmanager
def step(console: Console, doing: str, done: str) -> Iterator[Step]:
    """Show the step in progress, and a tick when it has finished."""
    outcome = Step()
    with console.status(f"{doing} …"):
        yield outcome
    console.print(f"  [green]✓[/] {done}  [dim]{escape(outcome.note)}[/]")


def show_results(console: Console, trial: Trial) -> None:
    """Print a table of results, one row per item and one column per task; other tasks follow below."""
    labels = (each["item_button"]["label"] for each in trial.for_items)
    table = Table("Item", *labels, box=SIMPLE_HEAD, padding=(0, 2, 0, 1))
    for item_id, name in trial.items.items():
        cells = [_cell(trial.of(each["name"], item_id)) for each in trial.for_items]
        if any(cells):
            table.add_row(escape(_cut(name)), *(cell or "[dim]-[/]" for cell in cells))
    console.print(table)
    for each in trial.by_example:
        if task := trial.of(each["name"]):
            console.print(f"  {short_name(each['name']):28}  {_cell(task)}")
    reasons = Counter((short_name(task["name"]), str((task["error"] or {}).get("message"))) for task in trial.failed)
    for (name, reason), number in reasons.items():
        console.print(f"  [red]✗ {number} {name}:[/] {escape(_cut(reason, REASON_WIDTH))}", soft_wrap=True)


def show_listing(console: Console, stack: LocalStack) -> None:
    """Print a filtered list from the API."""
    query: dict[str, str | int] = {"name": QR_CODE, "status": "SUCCESS", "limit": 3}
    page = stack.api.get("/v1/tasks", **query)
    table = Table("Task", "Status", "Created", "Runtime", box=SIMPLE_HEAD, padding=(0, 2, 0, 1))
    for task in page["tasks"]:
        status = f"[{COLOURS.get(task['status'], 'default')}]{task['status']}[/]"
        table.add_row(task["id"], status, task["created"][11:19], _milliseconds(task))
    console.print(f"\n  [bold]GET /v1/tasks?{'&'.join(f'{name}={value}' for name, value in query.items())}[/]")
    console.print(table)


def save_finished(console: Console, stack: LocalStack, item_id: str) -> None:
    """Download one item's files from the API's links, so that they can be opened."""
    folder = stack.aws.data / "finished"
    folder.mkdir(exist_ok=True)
    item = stack.api.get(f"/v1/items/{item_id}")
    console.print(f"  [bold]GET /v1/items/{item_id}[/] links to the item's files; saved here:\n", soft_wrap=True)
    for kind, link in item["links"].items():
        with requests.Session() as session:
            session.trust_env = False  # loopback is never behind a proxy
            response = session.get(link, timeout=DOWNLOAD_SECONDS)
        if not response.ok:
            raise SampleFailed(f"the link to the {kind} of item {item_id} returned {response.status_code}")
        path = folder / f"{kind}{Path(item[kind]).suffix}"
        path.write_bytes(response.content)
        console.print(f"    {shown(path)}  [dim]{len(response.content) / 1000:.1f} kB[/]", soft_wrap=True)


def show_ways_in(console: Console, stack: LocalStack, item_id: str) -> None:
    """Print how to call the API, ready to paste."""
    port = "" if stack.aws.port == 4566 else f"MAKERTASKS_PORT={stack.aws.port} "  # noqa: PLR2004  # the usual one
    header = 'curl -s -H "Authorization: Bearer $TOKEN"'
    body = f'{{"name": "{CARD}", "kwargs": {{"item_id": "{item_id}"}}}}'
    lines = [
        "",
        "  [bold]Call the API[/] from another terminal, in this folder:",
        "",
        f"    API='{stack.api_url}'",
        f"    TOKEN=$({port}make -s token)   [dim]# valid for an hour[/]",
        f'    {header} "$API/v1/tasks?status=SUCCESS&limit=5"',
        f'    {header} "$API/v1/items/{item_id}"',
        f"    {header} -d '{body}' \"$API/v1/tasks\"",
        "",
        f"  [bold]Open the pages[/] at {stack.pages_url}/",
        *(f"    {user:<11}{escape(sign_in.password)}" for user, sign_in in stack.sign_ins.items()),
        "",
        "  [bold]Use the command line[/], or the AWS CLI:",
        "",
        f"    set -a; . {shell_path(stack.environment)}; set +a",
        "    .venv/bin/makertasks list --limit 5",
        "",
        f"  Log  {shown(stack.aws.log)}",
        "",
    ]
    for line in lines:
        console.print(line, soft_wrap=True)


def shown(path: Path) -> str:
    """Return the shortest form of a path that can be pasted."""
    relative = os.path.relpath(path, ROOT)
    return str(path) if relative.startswith("..") else relative


def shell_path(path: Path) -> str:
    """Return a path that a shell reads as a file, and does not look up in PATH."""
    name = shown(path)
    return shlex.quote(name if name.startswith("/") else f"./{name}")


def _cell(task: Task | None) -> str:
    if task is None:
        return ""
    mark = {"SUCCESS": "[green]✓[/]", "FAILURE": "[red]✗[/]"}.get(task["status"], task["status"])
    return f"{mark} [dim]{_milliseconds(task)}[/]"


def _milliseconds(task: Task) -> str:
    return "" if task["runtime"] is None else f"{task['runtime'] * 1000:.0f} ms"


def _cut(text: Any, width: int = NAME_WIDTH) -> str:
    words = str(text or "")
    return words if len(words) <= width else f"{words[: width - 1]}…"
