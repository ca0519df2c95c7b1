"""Alerts: who is mailed or sent what, and which problems each of them knows of.

    period (partition)   cell (sort)
    alerts               {alert's name}

In the counters table. A webhook's address opens it, so it is a secret: it is a parameter of its own
(`settings.alert_secret`), and here is only enough to recognise it by.

`known` holds the problems that an alert has claimed, by key: a problem is claimed by a conditional write before its
message is sent, so that runs at the same time do not both send it, and it stays until it is resolved.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict, get_args

from pynamodb.attributes import BooleanAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from makertasks import clock, settings
from makertasks.aws.dynamodb import ConditionFailed, JSONMap, Missing, Table, answering
from makertasks.errors import NotFound, did_you_mean

PERIOD = "alerts"
MOST = 20  # alerts of a stack: each is evaluated in every run

Kind = Literal["new_cause", "queue_stuck", "schedule_missed", "dead_letter"]
Form = Literal["email", "slack", "mattermost", "discord", "ntfy", "json"]

KINDS: tuple[Kind, ...] = get_args(Kind)
FORMS: tuple[Form, ...] = get_args(Form)
EMAIL: Form = "email"

# What each kind is called, and its section of docs/runbooks.md and of the page.
LABELS: dict[Kind, str] = {
    "new_cause": "New cause of failure",
    "queue_stuck": "Queue stuck",
    "schedule_missed": "Schedule missed",
    "dead_letter": "Dead letter",
}


class Delivery(TypedDict):
    """The latest message of an alert; `remedy` says what to do if it failed."""

    when: str
    what: Literal["alert", "test"]
    delivered: bool
    detail: str
    remedy: str


class Alert(TypedDict):
    """An alert. `address` is an email address, or a webhook's host and its last characters.

    `confirmed` is false until the email address has confirmed its subscription, and null for webhooks.
    `open` is the number of problems that it reports now.
    """

    name: str
    form: Form
    address: str
    kinds: list[Kind]
    recoveries: bool
    changed_by: str
    changed: str
    open: int
    last: Delivery | None
    confirmed: bool | None


class StoredAlert(Table):
    """An alert as it is stored. `turn` counts the changes of `known`."""

    period = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    form = UnicodeAttribute()
    address = UnicodeAttribute()
    kinds: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)
    recoveries = BooleanAttribute(default=False)
    who = UnicodeAttribute()
    moment = UnicodeAttribute()
    turn = NumberAttribute(default=0)
    known = JSONMap(default=dict)
    last = JSONMap(null=True)


def listed() -> list[StoredAlert]:
    """Return every alert by name; raises Unavailable."""
    StoredAlert.bind(settings.counters_table())
    with answering("the alerts could not be read"):
        return list(StoredAlert.query(PERIOD, consistent_read=True))


def find(name: str) -> StoredAlert:
    """Return one alert; raises NotFound and Unavailable."""
    StoredAlert.bind(settings.counters_table())
    try:
        with answering("the alert could not be read"):
            return StoredAlert.get(PERIOD, name, consistent_read=True)
    except Missing as error:
        known = did_you_mean(name, [alert.cell for alert in listed()])
        raise NotFound(f"there is no alert {name!r}{known}") from error


def put(
    name: str, *, form: Form, address: str, kinds: list[Kind], recoveries: bool, who: str, readdressed: bool
) -> None:
    """Store what an operator chose; a new address is sent everything that is open. Raises Unavailable."""
    StoredAlert.bind(settings.counters_table())
    chosen: list[Action] = [
        StoredAlert.form.set(form),
        StoredAlert.address.set(address),
        StoredAlert.kinds.set(list(kinds)),
        StoredAlert.recoveries.set(recoveries),
        StoredAlert.who.set(who),
        StoredAlert.moment.set(clock.text(clock.now())),
    ]
    if readdressed:
        chosen += [StoredAlert.known.remove(), StoredAlert.last.remove(), StoredAlert.turn.add(1)]
    with answering("the alert could not be written"):
        StoredAlert(PERIOD, name).update(actions=chosen)


def delete(name: str) -> None:
    """Delete an alert, if it exists; raises Unavailable."""
    StoredAlert.bind(settings.counters_table())
    with answering("the alert could not be deleted"):
        StoredAlert(PERIOD, name).delete()


def claim(alert: StoredAlert, known: dict[str, Any]) -> bool:
    """Store what an alert knows now; False if another run was first, or somebody deleted it. Raises Unavailable."""
    turn = int(alert.turn)
    unchanged = StoredAlert.turn == turn
    if not turn:  # a new alert's is not written
        unchanged = unchanged | StoredAlert.turn.does_not_exist()
    try:
        with answering("the alert could not be written"):
            alert.update(
                actions=[StoredAlert.turn.set(turn + 1), StoredAlert.known.set(known)],
                condition=StoredAlert.form.exists() & unchanged,
            )
    except ConditionFailed:
        return False
    return True


def note_delivery(name: str, delivery: Delivery) -> None:
    """Store the outcome of an alert's latest message, if the alert still exists; raises Unavailable."""
    StoredAlert.bind(settings.counters_table())
    try:
        with answering("the outcome of the alert could not be written"):
            StoredAlert(PERIOD, name).update(
                actions=[StoredAlert.last.set(dict(delivery))], condition=StoredAlert.form.exists()
            )
    except ConditionFailed:
        return


def shown(alert: StoredAlert, confirmed: bool | None) -> Alert:
    """Return an alert as people see it."""
    return {
        "name": alert.cell,
        "form": alert.form,  # type: ignore[typeddict-item]  # only `put` writes it
        "address": alert.address,
        "kinds": [kind for kind in KINDS if kind in alert.kinds],
        "recoveries": bool(alert.recoveries),
        "changed_by": alert.who,
        "changed": alert.moment,
        "open": sum(1 for entry in (alert.known or {}).values() if not entry.get("over")),
        "last": alert.last,  # type: ignore[typeddict-item]  # only `note_delivery` writes it
        "confirmed": confirmed,
    }
