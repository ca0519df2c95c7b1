"""`make bench`: measures the project's claims about speed and size. Exits with 1 if a limit is exceeded.

Each bench runs in its own process with its own local AWS, because clients and models keep their connections.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def main() -> int:
    """Run the benches named on the command line (`engine cards`), or all of them."""
    found = {file.stem.removeprefix("bench_") for file in Path(__file__).parent.glob("bench_*.py")}
    names = sys.argv[1:] or sorted(found)
    if len(names) > 1:
        command = [sys.executable, "-m", "tests.bench"]
        return max(subprocess.run([*command, name], check=False).returncode for name in names)  # noqa: S603 - our own
    return show(names[0])


def show(name: str) -> int:
    """Run one bench and print its table; returns 1 if a figure exceeds its limit."""
    table = Table("what", "here", "unit", "bound", title=name, title_justify="left")
    failed = False
    for row in importlib.import_module(f"tests.bench.bench_{name}").rows():
        failed |= not row.held
        bound = "" if row.bound is None else f"{row.kind} {row.bound:,g}{'' if row.held else '  ← exceeded'}"
        table.add_row(row.what, f"{row.value:,.2f}", row.unit, bound)
    Console().print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
