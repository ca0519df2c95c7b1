"""A cause of failure: its details, who acknowledged it, and the form that acknowledges or mutes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api import actions
from api.access import Caller, Role
from api.pages import rendering
from api.pages.addresses import address
from api.requests import Request
from api.resources.statistics import Fingerprint, Note
from api.routing import Reply, page
from makertasks import clock
from makertasks.monitoring import acknowledgements, failure_groups

# How far back the page looks for failures of the cause.
SPAN = timedelta(days=7)


class FailuresQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the page: the action that led here."""

    said: Annotated[str, Meta(max_length=40)] = ""


class Looked(msgspec.Struct, forbid_unknown_fields=True):
    """Form that acknowledges, mutes or unmutes a cause."""

    what: Literal["acknowledge", "mute", "unmute"]
    note: Note = ""


@page("GET", "/failures/{fingerprint}", Role.VIEWER)
def failures_page(fingerprint: Fingerprint, caller: Caller, query: FailuresQuery, request: Request) -> Reply:
    """One cause of failure."""
    now = clock.now()
    groups = failure_groups.recent(now - SPAN, now, failure_groups.EXAMINED)["groups"]
    return rendering.page(
        request,
        caller,
        "failures.html",
        section="/",
        fingerprint=fingerprint,
        group=next((each for each in groups if each["fingerprint"] == fingerprint), None),
        looked=acknowledgements.by_cause().get(fingerprint),
        since=clock.text(now - SPAN),
        said=query.said,
    )


@page("POST", "/failures/{fingerprint}", Role.OPERATOR)
def acknowledge(fingerprint: Fingerprint, caller: Caller, form: Looked) -> Reply:
    """Acknowledge, mute or unmute the cause."""
    actions.acknowledge(caller, fingerprint, form.note, muted=form.what == "mute")
    said = {"acknowledge": "acknowledged", "mute": "muted", "unmute": "unmuted"}[form.what]
    return Reply.redirect(address(f"/failures/{rendering.segment(fingerprint)}", said=said))
