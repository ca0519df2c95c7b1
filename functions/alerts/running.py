"""Runs all alerts, tests one, or unsubscribes an address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aws_lambda_powertools import Logger

from alerts import planning, problems
from alerts.messages import Message
from makertasks import clock, settings
from makertasks.aws import topics
from makertasks.errors import MakertasksError
from makertasks.monitoring import alerts
from makertasks.monitoring.alerts import Delivery, StoredAlert

logger = Logger(child=True)


@dataclass
class Ran:
    """The outcome of a run; `unknown` are kinds of problems that could not be checked."""

    problems: int = 0
    sent: int = 0
    failed: int = 0
    unknown: list[str] = field(default_factory=list)


def run() -> Ran:
    """Find the problems that alerts are set up for, and send each alert those that are new to it."""
    stored = alerts.listed()
    found = problems.find([kind for kind in alerts.KINDS if any(kind in each.kinds for each in stored)])
    ran = Ran(problems=len(found.problems), unknown=sorted(found.unknown))
    for alert in stored:
        try:
            delivered = _attend(alert, found)
        except MakertasksError:  # the other alerts are still sent; the next run retries this one
            logger.exception("alert failed", alert=alert.cell)
            delivered = False
        ran.sent += delivered is True
        ran.failed += delivered is False
    return ran


def _attend(alert: StoredAlert, found: problems.Found) -> bool | None:
    """Claim an alert's new problems and send them; return whether they were delivered, None if there are none."""
    known: planning.Known = alert.known or {}
    plan = planning.plan(
        known,
        [problem for problem in found.problems if problem.kind in alert.kinds],
        (found.partial | found.unknown) & set(alert.kinds),
        clock.now(),
        recoveries=bool(alert.recoveries),
    )
    if plan.meanwhile == known or not alerts.claim(alert, plan.meanwhile):
        return None
    if not plan.told and not plan.over:
        return None
    outcome = _deliver(alert, "alert", Message(alert.cell, plan.told, plan.over))
    if outcome["delivered"]:
        alerts.claim(alert, plan.afterwards)
    return outcome["delivered"]


def test(name: str) -> Delivery:
    """Send an alert's test message and return its outcome; raises NotFound and Unavailable."""
    return _deliver(alerts.find(name), "test", Message(name, test=True))


def unsubscribe(address: str) -> bool:
    """Delete an email address's subscription unless an alert uses the address; return whether one was deleted.

    IAM cannot limit sns:Unsubscribe to one topic. This function looks the subscription up in the alerts' own topic, so
    its callers cannot delete any other. Raises Unavailable.
    """
    if any(each.form == alerts.EMAIL and each.address.lower() == address.lower() for each in alerts.listed()):
        return False
    subscription = topics.subscriptions(settings.alerts_topic()).get(address.lower(), "")
    if not subscription.startswith("arn:"):  # SNS deletes unconfirmed subscriptions itself
        return False
    topics.unsubscribe(subscription)
    return True


def _deliver(alert: StoredAlert, what: Literal["alert", "test"], message: Message) -> Delivery:
    from alerts import delivery  # noqa: PLC0415 - requests is slow to load, and most runs send nothing

    outcome = delivery.send(alert, message)
    noted: Delivery = {
        "when": clock.text(clock.now()),
        "what": what,
        "delivered": outcome.delivered,
        "detail": outcome.detail,
        "remedy": outcome.remedy,
    }
    alerts.note_delivery(alert.cell, noted)
    logger.info("alert message", alert=alert.cell, delivered=outcome.delivered, detail=outcome.detail)
    return noted
