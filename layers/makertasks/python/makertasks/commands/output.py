"""What commands print: tables and colours for people, JSON for programs (`--json`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

# Django admin's colours of the statuses.
COLOURS = {
    "SUCCESS": "green", "FAILURE": "red", "PENDING": "dark_orange", "STARTED": "blue", "RETRY": "purple",
    "REVOKED": "bright_black",
}  # fmt: skip

# Where the output is no terminal nobody has chosen a width: lines stay whole for grep and less.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 250)
messages = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_line(value: Any) -> None:
    """One JSON document on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def status(value: str) -> Text:
    """A status in its colour; the word is always there, so that it can be read without."""
    return Text(value, COLOURS.get(value, ""))


def table(rows: Iterable[dict[str, Any]], columns: dict[str, str], empty: str) -> None:
    """A table with a row for each dict; `columns` are {key: heading}. `empty` is said where there is no row."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for key, heading in columns.items():
        shown.add_column(heading, overflow="fold", no_wrap=key in {"id", "name", "status"})
    for row in rows:
        shown.add_row(*(_cell(key, row.get(key)) for key in columns))
    if shown.row_count:
        console.print(shown)
    else:
        messages.print(empty)


def facts(values: dict[str, Any]) -> None:
    """Names and values, those without value left out."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="bold")
    shown.add_column(overflow="fold")
    for name, value in values.items():
        if value not in (None, [], {}):
            shown.add_row(name, _cell(name, value))
    console.print(shown)


def _cell(key: str, value: Any) -> Text:
    if value is None:
        return Text("")
    if key == "status" and isinstance(value, str):
        return status(value)
    return Text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool = False) -> Iterator[Any]:
    """A progress bar on standard error; yields a function that is told how much is done, and of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=messages, transient=True, disable=quiet) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, of=None: bar.update(task, completed=done, total=total if of is None else of)
