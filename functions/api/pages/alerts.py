"""Alerts: their receivers, kinds of problems and latest deliveries, and a runbook for each kind of problem."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.pages import rendering
from api.pages.addresses import address as address_of
from api.requests import Request
from api.resources.alerts import Address, AlertName, Kinds
from api.routing import Reply, page
from makertasks.control import alerting
from makertasks.errors import InvalidRequest
from makertasks.monitoring.alerts import EMAIL, LABELS, Form, Kind

FORMS: dict[Form, str] = {
    "email": "Email",
    "slack": "Slack",
    "mattermost": "Mattermost",
    "discord": "Discord",
    "ntfy": "ntfy",
    "json": "JSON (any HTTPS receiver)",
}


class AlertsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the page: the action that led here."""

    said: Annotated[str, Meta(max_length=40)] = ""


class Chosen(msgspec.Struct, forbid_unknown_fields=True):
    """Form of an alert; without `address`, the alert keeps its address."""

    form: Form
    kinds: Kind | Kinds = msgspec.field(default_factory=list)
    address: Address = ""
    recoveries: Literal["yes", ""] = ""


class New(Chosen, forbid_unknown_fields=True):
    """Form of a new alert."""

    name: AlertName = ""


@page("GET", "/alerts", Role.VIEWER)
def alerts_page(caller: Caller, query: AlertsQuery, request: Request) -> Reply:
    """Show every alert, the form for a new one, and the runbooks."""
    return rendering.page(
        request,
        caller,
        "alerts.html",
        section="/alerts",
        alerts=alerting.list_alerts(),
        said=query.said,
        **_form(request, {}),
    )


@page("POST", "/alerts", Role.OPERATOR)
def create_alert(caller: Caller, form: New) -> Reply:
    """Create an alert."""
    if not form.name:
        raise InvalidRequest("name", "is empty; give a short name, such as workshop")
    _put(caller, form.name, form, new=True)
    return _done(form)


@page("GET", "/alerts/{name}", Role.OPERATOR)
def alert_page(name: AlertName, caller: Caller, request: Request) -> Reply:
    """Show the form that changes an alert."""
    alert = alerting.get(name)
    stored = {
        "form": alert["form"],
        "kinds": alert["kinds"],
        "recoveries": "yes" if alert["recoveries"] else "",
        "address": alert["address"] if alert["form"] == EMAIL else "",
    }
    return rendering.page(request, caller, "alert.html", section="/alerts", alert=alert, **_form(request, stored))


@page("POST", "/alerts/{name}", Role.OPERATOR)
def change_alert(name: AlertName, caller: Caller, form: Chosen) -> Reply:
    """Change an alert."""
    alerting.get(name)
    _put(caller, name, form)
    return _done(form)


@page("POST", "/alerts/{name}/test", Role.OPERATOR)
def send_test(name: AlertName, caller: Caller) -> Reply:
    """Send a test message and show its outcome."""
    delivery = actions.test_alert(caller, name)
    return Reply.redirect(address_of("/alerts", said="test_sent" if delivery["delivered"] else "test_failed"))


@page("POST", "/alerts/{name}/delete", Role.OPERATOR)
def remove_alert(name: AlertName, caller: Caller) -> Reply:
    """Delete an alert."""
    actions.delete_alert(caller, name)
    return Reply.redirect(address_of("/alerts", said="alert_deleted"))


def _put(caller: Caller, name: str, form: Chosen, *, new: bool = False) -> None:
    kinds = form.kinds if isinstance(form.kinds, list) else [form.kinds]
    actions.put_alert(
        caller,
        name,
        form=form.form,
        address=form.address,
        kinds=list(dict.fromkeys(kinds)),
        recoveries=form.recoveries == "yes",
        new=new,
    )


def _done(form: Chosen) -> Reply:
    return Reply.redirect(address_of("/alerts", said="alert_mail" if form.form == EMAIL else "alert_saved"))


def _form(request: Request, stored: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values, as stored or as sent, but without a webhook's address, which is secret."""
    values = {"name": "", "form": "email", "kinds": list(LABELS), "recoveries": "", "address": "", **stored}
    if request.sent:
        sent = dict(request.sent)
        kinds = sent.get("kinds", [])
        values |= {"recoveries": "", **sent, "kinds": kinds if isinstance(kinds, list) else [kinds]}
        if sent.get("form") != EMAIL:
            values["address"] = ""
    return {"values": values, "forms": FORMS, "labels": LABELS}
