"""What commands print: tables and colours for people, JSON for programs (`--json`)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

# Django admin's colours of the statuses.
COLOURS = {
    "SUCCESS": "green", "FAILURE": "red", "PENDING": "dark_orange", "STARTED": "blue", "RETRY": "purple",
    "REVOKED": "bright_black",
}  # fmt: skip

# Columns that wrap only on a narrow terminal; columns that never wrap; the gap between columns, and the widths at which
# a long column is readable and at which it still helps, in characters.
WHOLE = frozenset({"id", "name", "status", "created", "runtime", "worker", "next_run"})
ALWAYS_WHOLE = frozenset({"id", "status"})
GAP = 2
MOST_NEEDED = 34
LEAST_NEEDED = 24

# Of the two columns one instead, in what room is left, on a terminal where both would not fit.
INSTEAD = {"about": ("error", "item")}

# On a terminal where that one would not fit either, each row takes two lines: these columns below those.
BELOW = {"created": "id", "later": "id", "about": "name"}

# Output that does not go to a terminal keeps its rows on one line each, for grep and less.
UNLIMITED = 100_000
console = Console(highlight=False, width=None if sys.stdout.isatty() else UNLIMITED)
messages = Console(stderr=True, highlight=False)


# C0 and C1 controls except tab and line feed, and bidirectional controls: a terminal acts on them anywhere in a text.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    r"""Return a text with its control characters escaped, as `\u001b`, so that no terminal acts on them."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def echo(text: str) -> None:
    """Print a text to standard output."""
    sys.stdout.write(safe(text) + "\n")


def say(text: str, style: str = "") -> None:
    """Print a message to standard error."""
    messages.print(Text(safe(text), style), soft_wrap=True)


def _json(value: Any, indent: int | None = None) -> str:
    """Return JSON whose control characters are escaped; parsers read the same value."""
    return safe(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


def print_json(value: Any) -> None:
    """Print a JSON document to standard output."""
    sys.stdout.write(_json(value, indent=2) + "\n")


def print_line(value: Any) -> None:
    """Print a JSON document on one line and flush it."""
    sys.stdout.write(_json(value) + "\n")
    sys.stdout.flush()


def status(value: str) -> Text:
    """Return a status in its colour, readable without colour too."""
    return Text(value, COLOURS.get(value, ""))


def table(
    rows: Iterable[dict[str, Any]], columns: dict[str, str], empty: str, room_permitting: tuple[str, ...] = ()
) -> None:
    """Print a table with a row for each dict, or `empty` if there are none."""
    shown = grid(rows, columns, room_permitting)
    if not shown.row_count:
        say(empty)
    else:
        _print(shown)


def _print(shown: Table) -> None:
    """Print a table; where it does not go to a terminal, without the spaces that fill its lines."""
    if console.width < UNLIMITED:
        console.print(shown)
        return
    with console.capture() as printed:
        console.print(shown)
    console.file.writelines(f"{line.rstrip()}\n" for line in printed.get().splitlines())


def grid(rows: Iterable[dict[str, Any]], columns: dict[str, str], room_permitting: tuple[str, ...] = ()) -> Table:
    """Return a table with a row for each dict; `columns` are {key: heading}.

    Columns in `room_permitting` are shown, in that order, if they have values and the terminal is wide enough; the one
    of `INSTEAD` is cut to one line, and on a narrow terminal it stands below another (`BELOW`).
    """
    cells = [{key: cell(key, row.get(key)) for key in columns} for row in rows]
    keys, room = _fitting(cells, columns, room_permitting)
    if set(keys) & set(INSTEAD) and room < LEAST_NEEDED:
        return _stacked(cells, {key: columns[key] for key in keys})
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for key in keys:
        if key in INSTEAD:
            shown.add_column(columns[key], overflow="ellipsis", no_wrap=True, max_width=room)
        else:
            shown.add_column(columns[key], overflow="fold", no_wrap=key in (WHOLE if room >= 0 else ALWAYS_WHOLE))
    for row in cells:
        shown.add_row(*(row[key] for key in keys))
    return shown


def _stacked(cells: list[dict[str, Text]], columns: dict[str, str]) -> Table:
    """Return a table whose rows have two lines, of which only the column of `INSTEAD` is cut to fit."""
    below = {upper: lower for lower, upper in BELOW.items() if lower in columns}
    [elastic] = [upper for upper, lower in below.items() if lower in INSTEAD]
    widths = {
        key: max([len(columns[key]), *(row[key].cell_len for row in cells)]) for key in columns if key not in BELOW
    }
    widths[elastic] = console.width - sum(width + GAP for key, width in widths.items() if key != elastic)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for key, width in widths.items():
        heading = f"{columns[key]}\n{columns.get(below.get(key, ''), '')}"
        shown.add_column(heading, overflow="ellipsis", no_wrap=True, width=width)
    for row in cells:
        shown.add_row(*(Text("\n").join(filter(None, (row[key], row.get(below.get(key, ""))))) for key in widths))
    return shown


def _fitting(
    cells: list[dict[str, Text]], columns: dict[str, str], room_permitting: tuple[str, ...]
) -> tuple[list[str], int]:
    """Return the columns that fit, in order, and what room the required ones leave, negative if they are too wide."""

    def width(key: str) -> int:
        return max([len(columns[key]), *(row[key].cell_len for row in cells)]) + GAP

    offered = [key for key in room_permitting if key in columns and any(row[key] for row in cells)]
    required = [key for key in columns if key not in room_permitting and key not in INSTEAD]
    room = left = console.width - sum(map(width, required))
    fitting = []
    for key in offered:
        needed = min(width(key), MOST_NEEDED)
        if needed <= left + GAP:
            fitting.append(key)
            left -= needed
    for key, others in INSTEAD.items():
        if key in columns and not set(others) & set(offered) <= set(fitting):
            fitting = [key]
    return [key for key in columns if key in {*required, *fitting}], room


def facts(values: dict[str, Any]) -> None:
    """Print names and values; empty values are left out."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="bold")
    shown.add_column(overflow="fold")
    for name, value in values.items():
        if value not in (None, [], {}):
            shown.add_row(Text(safe(name)), cell(name, value))
    _print(shown)


def cell(key: str, value: Any) -> Text:
    """Return a value as a table shows it, without control characters."""
    if value is None:
        return Text("")
    if key == "status" and isinstance(value, str):
        return status(safe(value))
    return Text(safe(value) if isinstance(value, str) else _json(value))


class _Done(MofNCompleteColumn):
    """`7/20`; empty while the total is unknown."""

    def render(self, task: Task) -> Text:
        """Return the column's text."""
        return super().render(task) if task.total else Text("")


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool = False) -> Iterator[Any]:
    """Show a progress bar on standard error; yields a function that takes the amount done, and optionally the total."""
    columns = (TextColumn("{task.description}"), BarColumn(), _Done(), TimeElapsedColumn())
    with Progress(*columns, console=messages, transient=True, disable=quiet) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, of=None: bar.update(task, completed=done, total=total if of is None else of)
