"""The long run: `python -m tests.faults 5000 --seed 7 --restarts 3`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.checks import check
from tests.faults.plan import SEED
from tests.faults.run import run


def main() -> None:
    """Send, restart, wait, check, and print the duration."""
    parser = argparse.ArgumentParser(description="Faults injected into many tasks, and restarts in the middle")
    parser.add_argument("size", type=int, nargs="?", default=5_000, help="tasks")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="decides which task gets which fault; the same seed repeats a run"
    )
    parser.add_argument("--restarts", type=int, default=3, help="restarts of the local AWS")
    asked = parser.parse_args()
    began = time.monotonic()
    sys.stdout.write(f"{asked.size} tasks, seed {asked.seed}, {asked.restarts} restarts\n")
    with (
        tempfile.TemporaryDirectory() as folder,
        run(Path(folder), asked.size, seed=asked.seed, restarts=asked.restarts) as running,
    ):
        sys.stdout.write(f"all sent, {running.gate.refused} connections refused\n")
        records = check(running)
    sys.stdout.write(f"{len(records)} tasks ended once each, truthfully, after {time.monotonic() - began:.0f} s\n")


main()
