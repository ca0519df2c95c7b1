"""Changing alerts: an email address is subscribed to the topic, a webhook's address becomes a parameter."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from makertasks import settings
from makertasks.aws import functions, parameters, topics
from makertasks.errors import InvalidRequest
from makertasks.monitoring import alerts
from makertasks.monitoring.alerts import EMAIL, Alert, Delivery, Form, Kind, StoredAlert

MOST_CHARACTERS = 2000  # of an address; a parameter holds 4 KB
# Characters of a webhook's address that are shown, from its end.
SHOWN_END = 4
# Below this, four characters would be much of what nobody may know.
SHORTEST_SECRET = 20

_NAME = re.compile(r"(?=.{1,40}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}\Z)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def list_alerts() -> list[Alert]:
    """Every alert, by name; raises Unavailable."""
    stored = alerts.listed()
    confirmed = _subscriptions(stored)
    return [alerts.shown(each, is_confirmed(each, confirmed)) for each in stored]


def get(name: str) -> Alert:
    """One alert; raises NotFound and Unavailable."""
    stored = alerts.find(name)
    return alerts.shown(stored, is_confirmed(stored, _subscriptions([stored])))


def is_confirmed(alert: StoredAlert, subscriptions: dict[str, str]) -> bool | None:
    """Return whether an email address receives mail; None for a webhook."""
    if alert.form != EMAIL:
        return None
    return subscriptions.get(alert.address.lower(), topics.UNCONFIRMED).startswith("arn:")


def _subscriptions(stored: list[StoredAlert]) -> dict[str, str]:
    return topics.subscriptions(settings.alerts_topic()) if any(each.form == EMAIL for each in stored) else {}


def check(
    name: str, *, form: Form, address: str | None, kinds: list[Kind], new: bool = False
) -> dict[str, StoredAlert]:
    """Return the alerts that are stored, by name, for `put`; `new`: none may have this name.

    Raises InvalidRequest for an alert that cannot be stored, and Unavailable.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest("name", "must be lower-case letters, digits and hyphens, at most 40, such as workshop")
    stored = {each.cell: each for each in alerts.listed()}
    if new and name in stored:
        raise InvalidRequest("name", f"already exists: edit the alert {name}, or choose another name")
    if name not in stored and len(stored) >= alerts.MOST:
        raise InvalidRequest("name", f"would be alert number {alerts.MOST + 1}; delete another one first")
    if not kinds:
        raise InvalidRequest("kinds", f"is empty; choose at least one of {', '.join(alerts.KINDS)}")
    before = stored.get(name)
    if address is None and (before is None or before.form != form):
        raise InvalidRequest("address", f"is missing; {_WANTED[form == EMAIL]}")
    if address is not None:
        _check_address(form, address)
    return stored


_WANTED = {
    True: "give the email address that receives the alert, such as ann@example.org",
    False: "give the webhook's address, which begins with https://",
}


def _check_address(form: Form, address: str) -> None:
    if form == EMAIL:
        if not _EMAIL.fullmatch(address):
            raise InvalidRequest("address", f"is not an email address; {_WANTED[True]}")
        return
    if len(address) > MOST_CHARACTERS:
        raise InvalidRequest("address", f"is longer than {MOST_CHARACTERS} characters; copy it again")
    if not re.fullmatch(r"[!-\[\]-~]+", address):
        raise InvalidRequest("address", "contains a blank, a backslash or a character that is not ASCII; copy it again")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:  # its text may contain the address
        raise InvalidRequest("address", f"is not an address; {_WANTED[False]}") from None
    if parts.scheme.lower() != "https" or not host:
        raise InvalidRequest("address", f"is not an https:// address; {_WANTED[False]}")
    if parts.username is not None:
        raise InvalidRequest("address", "contains a user name; give the webhook's address without one")
    # The function that posts says which addresses it refuses, so that nothing is stored that it will never reach.
    answer = functions.call(settings.alerts_function(), {"check": address})
    if refusal := answer.get("refused"):
        raise InvalidRequest("address", str(refusal).removeprefix("the address "))


def put(
    name: str,
    stored: Mapping[str, StoredAlert],
    *,
    form: Form,
    address: str | None,
    kinds: list[Kind],
    recoveries: bool,
    who: str,
) -> Alert:
    """Create or change an alert; `stored` is what `check` returned. Without `address`, its own stays.

    Raises Unavailable.
    """
    before = stored.get(name)
    shown = shown_address(form, address) if address else str(before.address) if before else ""
    if address and form != EMAIL:
        parameters.put_secret(settings.alert_secret(name), address)
    if form == EMAIL:
        topics.subscribe(settings.alerts_topic(), shown, recipient_of(shown))
    alerts.put(
        name, form=form, address=shown, kinds=kinds, recoveries=recoveries, who=who, readdressed=address is not None
    )
    if before is not None and before.form != EMAIL == form:
        parameters.delete_secret(settings.alert_secret(name))
    elif before is not None and before.form == EMAIL and (form != EMAIL or not _same(before.address, shown)):
        _unsubscribe(str(before.address))
    return get(name)


def delete(name: str) -> None:
    """Delete an alert, and its webhook's address or its subscription; raises NotFound and Unavailable."""
    stored = alerts.find(name)
    alerts.delete(name)
    if stored.form == EMAIL:
        _unsubscribe(str(stored.address))
    else:
        parameters.delete_secret(settings.alert_secret(name))


def _unsubscribe(address: str) -> None:
    """Let the function `alerts`, the only one that may, delete an address's subscription if no alert has it still."""
    functions.call(settings.alerts_function(), {"unsubscribe": address})


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def test(name: str) -> Delivery:
    """Send a test message now and return its outcome; raises NotFound and Unavailable."""
    alerts.find(name)
    delivery: Delivery = functions.call(settings.alerts_function(), {"test": name})
    return delivery


def recipient_of(address: str) -> str:
    """Return the value by which an address's subscription chooses its messages."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:32]


def shown_address(form: Form, address: str) -> str:
    """Return an address as it may be shown."""
    return address if form == EMAIL else masked(address)


def masked(address: str) -> str:
    """Return a webhook's address as it may be shown: its host and its last characters.

    >>> masked("https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXXabcd")
    'hooks.slack.com/…abcd'
    >>> masked("https://ntfy.example/makertasks")
    'ntfy.example/…'
    """
    parts = urlsplit(address)
    rest = address.partition("://")[2].partition("/")[2]
    host = str(parts.hostname) + (f":{parts.port}" if parts.port else "")
    return f"{host}/…{rest[-SHOWN_END:] if len(rest) >= SHORTEST_SECRET else ''}"
