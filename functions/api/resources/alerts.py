"""Alerts: the problems to report and their receivers. A webhook's address is stored, but never returned."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.routing import route
from makertasks.control import alerting
from makertasks.monitoring.alerts import Alert, Delivery, Form, Kind

A_DELIVERY = {
    "when": "2026-11-22T09:35:02.412000Z",
    "what": "test",
    "delivered": True,
    "detail": "the receiver answered 200",
    "remedy": "",
}
AN_ALERT = {
    "name": "workshop",
    "form": "slack",
    "address": "hooks.slack.com/…x7Qd",
    "kinds": ["new_cause", "dead_letter"],
    "recoveries": True,
    "changed_by": "ann",
    "changed": "2026-11-22T09:30:00.000000Z",
    "open": 0,
    "last": A_DELIVERY,
    "confirmed": None,
}

AlertName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)",
        title="lower-case letters, digits and hyphens, such as workshop",
        description="The alert's name: lower-case letters, digits and hyphens",
        examples=["workshop"],
    ),
]
Address = Annotated[
    str,
    Meta(
        max_length=alerting.MOST_CHARACTERS,
        description="An email address or a webhook's https:// address; without it, the alert keeps its address",
    ),
]
Kinds = Annotated[list[Kind], Meta(max_length=10, description="The kinds of problems that the alert reports")]


class AlertList(TypedDict):
    """Every alert, by name."""

    alerts: list[Alert]


class AlertChange(msgspec.Struct, forbid_unknown_fields=True):
    """The settings of an alert."""

    form: Form
    kinds: Kinds
    address: Address | None = None
    recoveries: bool = False


@route("GET", "/v1/alerts", Role.VIEWER, tag="Alerts", example={"alerts": [AN_ALERT]})
def list_alerts() -> AlertList:
    """List alerts, with the outcome of each one's latest message."""
    return {"alerts": alerting.list_alerts()}


@route("GET", "/v1/alerts/{alert}", Role.VIEWER, tag="Alerts", example=AN_ALERT)
def get_alert(alert: AlertName) -> Alert:
    """Get an alert."""
    return alerting.get(alert)


@route(
    "PUT",
    "/v1/alerts/{alert}",
    Role.OPERATOR,
    tag="Alerts",
    body_example={
        "form": "slack",
        "address": "https://hooks.slack.com/services/T000/B000/x7Qd",
        "kinds": ["new_cause", "dead_letter"],
        "recoveries": True,
    },
    example=AN_ALERT,
)
def put_alert(alert: AlertName, body: AlertChange, caller: Caller) -> Alert:
    """Create or change an alert. AWS asks a new email address to confirm its subscription."""
    return actions.put_alert(
        caller, alert, form=body.form, address=body.address, kinds=body.kinds, recoveries=body.recoveries
    )


@route("DELETE", "/v1/alerts/{alert}", Role.OPERATOR, status=HTTPStatus.NO_CONTENT, tag="Alerts")
def delete_alert(alert: AlertName, caller: Caller) -> None:
    """Delete an alert with its webhook's address or email subscription."""
    actions.delete_alert(caller, alert)


@route("POST", "/v1/alerts/{alert}/test", Role.OPERATOR, tag="Alerts", example=A_DELIVERY)
def test_alert(alert: AlertName, caller: Caller) -> Delivery:
    """Send a test message now and return its outcome."""
    return actions.test_alert(caller, alert)
