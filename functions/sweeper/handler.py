"""EventBridge schedule ▶ tasks table: tasks that nobody moves on any more get their message anew, or end."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from makertasks import logs
from makertasks.worker import metrics, sweeping

# What is left of the function's time when the sweep takes no further page, in seconds.
MARGIN_SECONDS = 10

logger = logs.logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - what the schedule says is nothing
    """One run; answers what it did."""
    swept = sweeping.sweep(context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS)
    metrics.stuck(swept.requeued + swept.given_up)
    return asdict(swept)
