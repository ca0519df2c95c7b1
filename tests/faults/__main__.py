"""The long run: `python -m tests.faults 5000`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.faults.checks import check
from tests.faults.run import run

SIZE = 5_000


def main() -> None:
    """Send, wait, check, and say how long it took."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else SIZE
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, run(Path(folder), size) as running:
        sys.stdout.write(f"{size} tasks sent, {running.gate.refused} connections refused\n")
        records = check(running)
    sys.stdout.write(f"{len(records)} tasks ended once each, truthfully, after {time.monotonic() - began:.0f} s\n")


main()
