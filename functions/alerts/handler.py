"""Sweeper ▶ problems of tasks, queues and schedules ▶ email and webhooks.

It also sends test messages, checks webhook addresses and deletes email subscriptions.
"""

from __future__ import annotations

from typing import Any

from alerts import running
from makertasks import logs
from makertasks.errors import Unavailable

logger = logs.logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> Any:
    """Evaluate every alert; `{"test": name}` sends one alert's test message and returns its outcome.

    `{"check": address}` returns why a webhook's address is refused; `refused` is empty if it is not.
    `{"unsubscribe": address}` deletes the subscription of an address that no alert has any more.

    Raises Unavailable at the end if problems of some kind could not be checked.
    """
    if name := event.get("test"):
        return running.test(str(name))
    if address := event.get("check"):
        from alerts import delivery

        return {"refused": delivery.refusal(str(address))}
    if address := event.get("unsubscribe"):
        return {"unsubscribed": running.unsubscribe(str(address))}
    ran = running.run()
    logger.info("alerts evaluated", problems=ran.problems, sent=ran.sent, failed=ran.failed)
    if ran.unknown:
        raise Unavailable(f"could not be checked: {', '.join(ran.unknown)}")
    return {"problems": ran.problems, "sent": ran.sent, "failed": ran.failed}
