"""A cause of failure: message, trend, affected items, and the forms that retry, acknowledge and mute."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.pages import charts, item_faces, periods, rendering
from api.pages.addresses import address
from api.requests import Request
from api.resources.statistics import Fingerprint, Note
from api.routing import Reply, page
from makertasks import clock
from makertasks.monitoring import failure_groups
from makertasks.records.states import Status

# Period that the page covers, from the start of its first day: seven days including today.
SPAN = timedelta(days=6)


class FailuresQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the page: the action that led here."""

    said: Annotated[str, Meta(max_length=40)] = ""


class Looked(msgspec.Struct, forbid_unknown_fields=True):
    """Form that acknowledges, mutes or unmutes a cause."""

    what: Literal["acknowledge", "mute", "unmute"]
    note: Note = ""


@page("GET", "/failures/{fingerprint}", Role.VIEWER)
def failures_page(fingerprint: Fingerprint, caller: Caller, query: FailuresQuery, request: Request) -> Reply:
    """Show one cause of failure."""
    now = clock.now()
    since = clock.parse(clock.text(now - SPAN)[:10])
    cause = failure_groups.of_cause(fingerprint, since, now)
    filters = {"q": f'fingerprint:"{fingerprint}"', "status": str(Status.FAILURE)}
    counts = [(day, {str(Status.FAILURE): count}) for day, count in cause["days"].items()]
    shown = item_faces.of({"id": each["item_id"], **each} for each in cause["items"])
    return rendering.page(
        request,
        caller,
        "failures.html",
        section="/",
        fingerprint=fingerprint,
        cause=cause,
        group=cause["group"],
        looked=cause["acknowledged"],
        affected=[(each, shown[each["item_id"]]) for each in cause["items"]],
        chart=charts.stacked(periods.points(periods.WEEK, now, counts, **filters), charts.STATUSES),
        filters={**filters, "created_from": clock.text(since)},
        said=query.said,
    )


@page("POST", "/failures/{fingerprint}", Role.OPERATOR)
def acknowledge(fingerprint: Fingerprint, caller: Caller, form: Looked) -> Reply:
    """Acknowledge, mute or unmute the cause."""
    actions.acknowledge(caller, fingerprint, form.note, muted=form.what == "mute")
    said = {"acknowledge": "acknowledged", "mute": "muted", "unmute": "unmuted"}[form.what]
    return Reply.redirect(address(f"/failures/{rendering.segment(fingerprint)}", said=said))
