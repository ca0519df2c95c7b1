"""Time of each page compared with the API calls for the same data: medians of both, measured alternately."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.local import trial
from infra.local.api import Api
from infra.local.stack import local_stack
from tests.bench.figures import Figure

# Maximum ratio of a page's time to that of its API calls.
TIMES = 2
ROUNDS = 15
PAGES = {
    "/": ["/v1/failures", "/v1/statistics", "/v1/queues", "/v1/tasks?status=STARTED", "/v1/schedules"],
    "/tasks": ["/v1/tasks"],
    "/tasks/{task}": ["/v1/tasks/{task}"],
    "/tasks/{task}/log": ["/v1/tasks/{task}/logs"],
    "/task-types": ["/v1/task-types", "/v1/statistics"],
    "/task-types/inventory.tasks.generate_qr_code": [
        "/v1/task-types/inventory.tasks.generate_qr_code",
        "/v1/statistics",
    ],
    "/queues": ["/v1/queues"],
    "/queues/generate_qr_code": [
        "/v1/queues/generate_qr_code",
        "/v1/tasks?status=FAILURE",
        "/v1/audit",
        "/v1/statistics",
    ],
    "/workers": ["/v1/workers"],
    "/schedules": ["/v1/schedules"],
    "/items": ["/v1/items"],
    "/items/{item}": ["/v1/items/{item}", "/v1/tasks?item_id={item}"],
    "/jobs": ["/v1/jobs"],
    "/activity": ["/v1/audit", "/v1/tasks"],
    "/alerts": ["/v1/alerts"],
}


def rows() -> Iterator[Figure]:
    """Measure every page on its own stack with the sample inventory; takes about two minutes."""
    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder)) as stack:
        trial.import_sample(stack)
        item = stack.api.get("/v1/items", limit=1)["items"][0]["id"]
        task = stack.api.get("/v1/tasks", limit=1)["tasks"][0]["id"]
        for page, calls in PAGES.items():
            ours, theirs = medians(stack.api, page, calls, ROUNDS, item=item, task=task)
            yield Figure(
                f"{page}: {ours * 1000:.0f} ms, its API calls {theirs * 1000:.0f} ms", ours / theirs, "×", TIMES
            )


def medians(api: Api, page: str, calls: Sequence[str], rounds: int, **ids: str) -> tuple[float, float]:
    """Median seconds of a page, and of its calls together."""
    # Alternately, so that other load affects both.
    turns = [
        (seconds(api, page.format(**ids)), sum(seconds(api, call.format(**ids)) for call in calls))
        for _ in range(rounds + 1)
    ]
    ours, theirs = zip(*turns[1:], strict=True)
    return statistics.median(ours), statistics.median(theirs)


def seconds(api: Api, path: str) -> float:
    """Seconds of one request."""
    began = time.perf_counter()
    assert api.request("GET", path).status_code == 200
    return time.perf_counter() - began
