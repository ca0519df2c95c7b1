"""alerts: which events are sent by email or to a webhook, and to whom. Every change is audited."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, cast

import typer

from makertasks.cli import asking, output
from makertasks.control import alerting, audit
from makertasks.errors import InvalidRequest, TemporaryError
from makertasks.monitoring import alerts

alert_commands = typer.Typer(invoke_without_command=True, help="List, add, remove and test alerts.")

Kind = StrEnum("Kind", {kind: kind.replace("_", "-") for kind in alerts.KINDS})  # type: ignore[misc]  # from a constant
Form = StrEnum("Form", {form: form for form in alerts.FORMS})  # type: ignore[misc]  # as above

Name = Annotated[str, typer.Argument(metavar="NAME", help="The alert's name, such as workshop.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(alert_commands, name="alerts")
    alert_commands.callback()(list_alerts)
    alert_commands.command("list")(show_alerts)
    alert_commands.command("add")(add)
    alert_commands.command("remove")(remove)
    alert_commands.command("test")(send_test)


def list_alerts(context: typer.Context, as_json: output.AsJson = False) -> None:
    """List alerts and their latest messages."""
    if context.invoked_subcommand is None:
        show_alerts(as_json=as_json)


def show_alerts(as_json: output.AsJson = False) -> None:
    """List alerts and their latest messages."""
    asking.connect()
    found = alerting.list_alerts()
    if as_json:
        output.print_json({"alerts": found})
        return
    columns = {"name": "NAME", "form": "CHANNEL", "address": "TO", "kinds": "EVENTS", "last": "LAST MESSAGE"}
    rows = ({**each, "kinds": ", ".join(each["kinds"]), "last": _last(each)} for each in found)
    output.table(rows, columns, "no alerts")


def _last(alert: alerts.Alert) -> str:
    if alert["confirmed"] is False:
        return "waiting for confirmation"
    last = alert["last"]
    if last is None:
        return ""
    return f"{last['when'][:19].replace('T', ' ')} {'' if last['delivered'] else 'failed: '}{last['detail']}"


def add(
    name: Name,
    form: Annotated[Form, typer.Option("--by", help="Channel of the messages.")],
    kinds: Annotated[
        list[Kind] | None, typer.Option("--on", help="Event to report; repeat for several. Default: all.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--to", help="Email address. A webhook URL is read from standard input.")
    ] = None,
    recoveries: Annotated[bool, typer.Option("--recoveries", help="Also report when a problem is resolved.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Add or change an alert.

    A webhook URL is a secret that would stay in the shell's history, so it is asked for or read from a pipe.
    """
    asking.connect()
    is_mail = form.value == alerts.EMAIL
    if address is not None and not is_mail:
        raise InvalidRequest("--to", "is for email addresses; a webhook URL is read from standard input")
    if address is None and not is_mail:
        address = _secret()
    chosen = [cast("alerts.Kind", kind.name) for kind in kinds] if kinds else list(alerts.KINDS)
    wanted = cast("alerts.Form", form.value)
    stored = alerting.check(name, form=wanted, address=address, kinds=chosen)
    shown = alerting.shown_address(wanted, address) if address else "unchanged"
    audit.record(asking.who(), "set alert", name, form=wanted, to=shown, kinds=chosen, recoveries=recoveries)
    alert = alerting.put(
        name, stored, form=wanted, address=address, kinds=chosen, recoveries=recoveries, who=asking.who()
    )
    output.print_json(alert) if as_json else output.facts({**alert})


def _secret() -> str | None:
    """Return a webhook URL from a hidden prompt or a pipe; None if it is empty."""
    if sys.stdin.isatty():
        given = typer.prompt("Webhook URL (empty: unchanged)", hide_input=True, default="", show_default=False)
    else:
        given = sys.stdin.readline()
    return given.strip() or None


def remove(name: Name) -> None:
    """Remove an alert."""
    asking.connect()
    alert = alerting.get(name)
    audit.record(asking.who(), "delete alert", name, form=alert["form"], to=alert["address"])
    alerting.delete(name)
    output.console.print(f"{name} removed")


def send_test(name: Name, as_json: output.AsJson = False) -> None:
    """Send an alert's test message and show its outcome."""
    asking.connect()
    alerting.get(name)
    audit.record(asking.who(), "test alert", name)
    delivery = alerting.test(name)
    output.print_json(delivery) if as_json else output.facts({**delivery})
    if not delivery["delivered"]:
        raise TemporaryError(f"{delivery['detail']}. {delivery['remedy']}")
