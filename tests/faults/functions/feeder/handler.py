"""Submits many tasks in one call, as a script would; some of them are recorded and never sent, as if it had crashed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from makertasks.records import lifecycle
from makertasks.submission import bulk, producer
from makertasks.submission.producer import Submission


def handler(event: dict[str, Any], _context: Any) -> Any:
    """`tasks` are [id, arguments]; `unsent` are recorded only."""
    submissions = [
        Submission("tests.chaos", arguments, task_id=task_id, max_retries=event["max_retries"].get(task_id))
        for task_id, arguments in event["tasks"]
    ]
    for task_id, arguments in event["unsent"]:
        lost = Submission("tests.chaos", arguments, task_id=task_id, max_retries=event["max_retries"].get(task_id))
        lifecycle.create(producer.prepare(lost).record)
    return asdict(bulk.submit_many(submissions, requested_by="feeder"))
