"""`make bench`: everything the project claims about speed and size, each figure beside its bound. Exit 1 above one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def main() -> int:
    """Run the benches named on the command line (`engine cards`), or all of them."""
    found = {file.stem.removeprefix("bench_") for file in Path(__file__).parent.glob("bench_*.py")}
    names = sys.argv[1:] or sorted(found)
    console, failed = Console(), False
    for name in names:
        table = Table("what", "here", "unit", "bound", title=name, title_justify="left")
        for row in importlib.import_module(f"tests.bench.bench_{name}").rows():
            failed |= not row.held
            bound = "" if row.bound is None else f"{row.kind} {row.bound:,g}{'' if row.held else '  ← not held'}"
            table.add_row(row.what, f"{row.value:,.2f}", row.unit, bound)
        console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
