"""What commands print: tables and colours for people, JSON for programs (`--json`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

# Django admin's colours of the statuses.
COLOURS = {
    "SUCCESS": "green", "FAILURE": "red", "PENDING": "dark_orange", "STARTED": "blue", "RETRY": "purple",
    "REVOKED": "bright_black",
}  # fmt: skip

# Columns that are never broken into lines, the characters between two columns, and what a long one can do with.
WHOLE = frozenset({"id", "name", "status", "created", "runtime", "worker", "next_run"})
ALWAYS_WHOLE = frozenset({"id", "status"})
GAP = 2
MOST_NEEDED = 34

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


def table(
    rows: Iterable[dict[str, Any]], columns: dict[str, str], empty: str, room_permitting: tuple[str, ...] = ()
) -> None:
    """Print a table with a row for each dict, or say `empty` where there is none."""
    shown = grid(rows, columns, room_permitting)
    if shown.row_count:
        console.print(shown)
    else:
        messages.print(empty)


def grid(rows: Iterable[dict[str, Any]], columns: dict[str, str], room_permitting: tuple[str, ...] = ()) -> Table:
    """A table with a row for each dict; `columns` are {key: heading}.

    Of the columns in `room_permitting` only the first ones are shown that the width has room for.
    """
    cells = [{key: _cell(key, row.get(key)) for key in columns} for row in rows]
    keys, tight = _fitting(cells, columns, room_permitting)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for key in keys:
        whole = ALWAYS_WHOLE if tight else WHOLE
        shown.add_column(columns[key], overflow="fold", no_wrap=key in whole)
    for row in cells:
        shown.add_row(*(row[key] for key in keys))
    return shown


def _fitting(
    cells: list[dict[str, Text]], columns: dict[str, str], room_permitting: tuple[str, ...]
) -> tuple[list[str], bool]:
    """The columns that there is room for, in their order, and whether even the others have too little."""

    def width(key: str) -> int:
        return max([len(columns[key]), *(row[key].cell_len for row in cells)]) + GAP

    left = console.width + GAP - sum(width(key) for key in columns if key not in room_permitting)
    tight, dropped = left < 0, set()
    for key in (each for each in room_permitting if each in columns):
        needed = min(width(key), MOST_NEEDED)
        if needed > left:
            dropped.add(key)
        else:
            left -= needed
    return [key for key in columns if key not in dropped], tight


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


class _Done(MofNCompleteColumn):
    """How much is done, and nothing as long as it is not known of how much."""

    def render(self, task: Task) -> Text:
        """`7/20`, or an empty text."""
        return super().render(task) if task.total else Text("")


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool = False) -> Iterator[Any]:
    """A progress bar on standard error; yields a function that is told how much is done, and of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), _Done(), TimeElapsedColumn())
    with Progress(*columns, console=messages, transient=True, disable=quiet) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, of=None: bar.update(task, completed=done, total=total if of is None else of)
