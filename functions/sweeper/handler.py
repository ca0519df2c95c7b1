"""EventBridge schedule ▶ tasks table: records dead letters, recovers lost tasks, repairs counters, reports long waits.

For the charts it records the queues' lengths and the current deployment. If there are alerts, it invokes the
function that evaluates them, which has other permissions.
"""

from __future__ import annotations

from typing import Any

from makertasks import logs, settings
from makertasks.aws import functions
from makertasks.errors import Unavailable
from makertasks.monitoring import alerts, history, queues
from makertasks.monitoring.counters import rolling_up
from makertasks.worker import dead_letters, lost_changes, metrics, sweeping

# With fewer seconds left, the sweep reads no more pages.
MARGIN_SECONDS = 10
# Maximum share of the time for dead letters; the next run continues with those still in their queue.
LETTERS_SHARE = 0.4

logger = logs.logger()


def name_waiting() -> list[str]:
    """Log and return the names of tasks that have waited too long, because the alarm cannot name them."""
    names = sorted(queues.waiting_too_long())
    for name in names:
        logger.warning("task waits too long", task_name=name)
    return names


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - the schedule's event is empty
    """Sweep once and return counts. Raises Unavailable at the end if dead letters could not be recorded."""
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
