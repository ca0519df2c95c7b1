"""Writes the tasks' test events from the examples in their declarations.

make events     rewrites infra/events/{task}.json
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from makertasks import tasks

ROOT = Path(__file__).resolve().parents[1]
EVENTS = ROOT / "infra/events"


def texts() -> dict[Path, str]:
    """Return the path and the content of the test event of each task that has an example."""
    declared = tasks.discover().values()
    return {
        EVENTS / f"{task.short_name}.json": f"{json.dumps(task.example, indent=2)}\n"
        for task in declared
        if task.example is not None
    }


def main() -> None:
    """Write the test events."""
    os.environ.setdefault("LAMBDA_TASK_ROOT", str(ROOT / "functions"))
    for path, text in texts().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
