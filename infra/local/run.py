"""`make run`: runs the whole stack on this machine until Ctrl-C."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from infra.local import display, trial
from infra.local.deploy import deploy
from infra.local.ministack import MiniStack
from infra.local.sample import load
from infra.local.stack import STACK_NAME, LocalStack, parameters
from infra.local.template import TEMPLATE


def run(data: Path, port: int, *, template: Path = TEMPLATE, stay: bool = True) -> int:
    """Start, deploy, import the sample inventory, run the tasks and stay up; return 1 if a task failed.

    Raises LocalAwsError, with nothing left running.
    """
    console = Console(highlight=False)
    console.print("\n[bold]makertasks[/] on a local AWS\n")
    aws = MiniStack(data, port, persist=True)
    failed = False
    with interruptible(
        console, f"the local AWS at {aws.endpoint} and its functions; data is kept in {display.shown(data)}"
    ):
        try:
            began = time.monotonic()
            with display.step(console, "Starting the local AWS", "Local AWS") as step:
                aws.start()
                step.note = aws.endpoint
            with display.step(console, "Building layers and deploying template.yaml", "Stack") as step:
                stack = LocalStack(aws, STACK_NAME, deploy(aws.connection, STACK_NAME, parameters(aws), template))
                stack.write_environment()
                step.note = STACK_NAME
            failed = show(console, stack)
            console.print(f"  Ready after {time.monotonic() - began:.0f} s.", end=" ")
            if stay:
                console.print("[bold]Ctrl-C[/] stops everything; the data is kept for the next run.\n")
                aws.wait()
        finally:
            with console.status("Stopping …"):
                aws.stop()
    return 1 if failed else 0


def show(console: Console, stack: LocalStack) -> bool:
    """Import the sample if needed, run the tasks and print the results; return whether a task failed."""
    since = import_sample(console, stack)
    done = trial.run(stack, console, since=since)
    display.show_results(console, done)
    display.show_listing(console, stack)
    item_id = load.items_with_image()[0]
    display.save_finished(console, stack, item_id)
    display.show_ways_in(console, stack, item_id)
    return bool(done.failed)


def import_sample(console: Console, stack: LocalStack) -> str | None:
    """Import the sample inventory unless it was imported in the last six days; return the time of the import, or None.

    Its presigned image links expire after seven days, so it is imported again before that.
    """
    kept = stack.aws.data / "sample.json"
    if kept.exists() and time.time() - json.loads(kept.read_text())["imported"] < load.IMPORT_SECONDS:
        console.print("  [green]✓[/] Sample inventory  [dim]already imported[/]")
        return None
    since = trial.now()
    with display.step(console, "Importing the sample inventory", "Sample inventory") as step:
        result = trial.import_sample(stack)["result"]
        step.note = f"{len(load.items())} items; {result['created']} objects created, {result['changed']} changed"
    kept.write_text(json.dumps({"imported": time.time()}))
    return since


@contextmanager
def interruptible(console: Console, running: str) -> Iterator[None]:
    """Stop on the first SIGINT or SIGTERM, and print at once what is being stopped; ignore further signals."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        console.print(f"\n  Stopping {escape(running)} …", soft_wrap=True)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        console.print("  Stopped.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
