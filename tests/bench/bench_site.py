"""A site with 10,000 items: its first import, a comparison of everything, a night of lead times, on the local AWS.

Each step with seconds, requests and dollars by list price. Functions run in this process. Most of the time is spent in
the local AWS, which is slower than AWS; Lambda's price is for the same seconds at the function's memory. The limit
applies only to the process's CPU time, which depends little on the load of the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.connection import read_settings
from infra.local.ministack import MiniStack
from infra.prices import dollars
from tests.bench.figures import Figure
from tests.template import ROOT, resources

PYTHON = ROOT / ".local/celery-newest/bin/python"
TABLE, BUCKET = "bench-site", "bench-site-media"

# The function whose memory a step has on Lambda; a comparison runs on the site's own machine.
FUNCTIONS = {"import": "ImportDumpFunction", "night": "UpdateAverageLeadTimesFunction"}
# Limits of a nightly step: a minute of CPU time, and a cent.
NIGHTLY_SECONDS, NIGHTLY_CENTS = 60.0, 1.0


def rows() -> Iterator[Figure]:
    """Measure every step; takes three minutes, or six on a busy machine."""
    with tempfile.TemporaryDirectory() as folder, MiniStack(Path(folder) / "aws") as aws:
        properties = resources()["InventoryTable"]["Properties"]
        keys = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        aws.connection.client("dynamodb").create_table(TableName=TABLE, **{key: properties[key] for key in keys})
        aws.connection.client("s3").create_bucket(Bucket=BUCKET)
        for line in _steps(Path(folder), aws.endpoint):
            yield from _figures(json.loads(line))


def _steps(folder: Path, endpoint: str) -> Iterator[str]:
    names = ("STACK_NAME", "TASKS_TABLE", "COUNTERS_TABLE")
    given = {
        **os.environ,
        **read_settings(),
        **dict.fromkeys(names, "bench"),
        "INVENTORY_TABLE": TABLE,
        "MEDIA_BUCKET": BUCKET,
        "AWS_ENDPOINT_URL": endpoint,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/makertasks/python'}",
    }
    command = [PYTHON, "-m", "tests.bench.site_of_10000", folder]
    with subprocess.Popen(command, env=given, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        yield from process.stdout
    if process.returncode:
        raise RuntimeError(f"the site exited with status {process.returncode}")


def _figures(step: dict[str, Any]) -> Iterator[Figure]:
    what, units = f"10,000 items: {step['what']}", step["units"]
    function = next((name for word, name in FUNCTIONS.items() if word in what), None)
    if function:
        memory = resources()[function]["Properties"]["MemorySize"]
        units |= {"lambda_request": 1, "lambda_gb_second": step["seconds"] * memory / 1024}
    nightly = "first" not in what
    yield Figure(what, step["seconds"], "s", None)
    yield Figure(f"{what}, CPU time", step["processor"], "s", NIGHTLY_SECONDS if nightly else None)
    yield Figure(f"{what}, requests", step["requests"], "to AWS", None)
    yield Figure(f"{what}, list price", dollars(units) * 100, "cents", NIGHTLY_CENTS if nightly else None)
