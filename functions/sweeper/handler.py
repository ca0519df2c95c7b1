"""EventBridge schedule ▶ tasks table: records dead letters, recovers lost tasks, keeps the counters, reports waits.

For the pages' charts it notes how long queues are, and which deployment runs. If there are alerts, it starts the
function that evaluates them, which has permissions of its own.
"""

from __future__ import annotations

from typing import Any

from makertasks import logs, settings
from makertasks.aws import functions
from makertasks.errors import Unavailable
from makertasks.monitoring import alerts, history, queues
from makertasks.monitoring.counters import rolling_up
from makertasks.worker import dead_letters, lost_changes, metrics, sweeping

# What is left of the function's time when the sweep takes no further page, in seconds.
MARGIN_SECONDS = 10
# Share of the time that dead letters may take; what is left in their queue is for the next run.
LETTERS_SHARE = 0.4

# Three retries take up to 20 minutes; whoever waits longer for a first attempt waits too long, in seconds.
TOO_LONG_SECONDS = 1_800

logger = logs.logger()


def name_waiting() -> list[str]:
    """Names of the tasks that have waited too long, each of which is logged: the alarm cannot name them."""
    names = sorted(name for name, seconds in queues.oldest_waiting().items() if seconds > TOO_LONG_SECONDS)
    for name in names:
        logger.warning("task waits too long", task_name=name)
    return names


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - what the schedule says is nothing
    """Sweep once; returns what was done. Raises Unavailable at the end if dead letters could not be recorded."""
    drained = dead_letters.drain(LETTERS_SHARE * _seconds_left(context))
    swept = sweeping.sweep(_seconds_left(context))
    history.note_deployment()
    history.note_lengths(swept.waiting)
    rolling_up.roll_up_ended()
    metrics.stuck(swept.requeued + swept.given_up)
    metrics.waiting_too_long(len(name_waiting()))
    repaired = lost_changes.repair(_seconds_left(context))
    if alerts.listed():
        functions.start(settings.alerts_function(), {})
    if drained.failed:
        raise Unavailable(f"{drained.failed} dead letters could not be recorded and stay in their queue")
    return {**swept.numbers(), "dead_letters": drained.recorded, "renewed": drained.renewed, "repaired": repaired}


def _seconds_left(context: Any) -> float:
    return float(context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS)
