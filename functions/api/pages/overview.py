"""The overview: problems, failures, queues and next scheduled runs; its charts are in `overview_charts`."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from api.access import Caller, Role
from api.pages import health, overview_charts, periods, rendering
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock, tasks
from makertasks.monitoring import dead_letters, failure_groups, listing, schedules, snapshot
from makertasks.monitoring import queues as task_queues
from makertasks.records.states import Status

REFRESH_SECONDS = 10
# Number of failure groups shown, the most frequent first; the task list has the rest.
GROUPS = 8
COMING = 5
# Concurrent requests to AWS; they wait for the network, not for the processor.
AT_A_TIME = 4


class OverviewQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the overview: the charts' period, and the digest and row versions that a live page already shows."""

    range: Literal["hour", "day", "month"] = "hour"
    known: Annotated[str, msgspec.Meta(max_length=40)] = ""
    have: Annotated[str, msgspec.Meta(max_length=2000)] = ""  # separated by dots


@page("GET", "/", Role.VIEWER)
def overview_page(caller: Caller, query: OverviewQuery, request: Request) -> Reply:
    """Show everything at a glance."""
    now = clock.now()
    if not rendering.is_update(request):
        with snapshot.threads(1) as pool:
            drawn = pool.submit(overview_charts.shown, periods.RANGES[query.range], now)
            context = shown(now)
        return rendering.page(request, caller, "overview.html", section="/", held=(), **context, **drawn.result())
    context = shown(now)
    if context["digest"] == query.known:
        return Reply("", 204)
    held = frozenset(query.have.split(".")) if query.known else frozenset()
    return rendering.page(request, caller, "overview_part.html", held=held, **context)


def shown(now: datetime) -> dict[str, Any]:
    """Return the content of the overview except its charts, read by concurrent requests."""
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    names = list(tasks.discover())
    with snapshot.threads(AT_A_TIME) as pool:
        failures = pool.submit(failure_groups.grouped, day, now, [None, hour])
        queues = pool.submit(task_queues.list_queues)
        messages = pool.submit(dead_letters.counts)
        running = pool.submit(
            listing.page, listing.Filter(status=Status.STARTED), limit=listing.MAXIMUM_LIMIT, names=names
        )
        coming = pool.submit(schedules.list_schedules)
    last_day, last_hour = failures.result()
    latest = {group["fingerprint"]: group["count"] for group in last_hour["groups"]}
    stuck = health.stuck(running.result().records, now)
    context = {
        "troubles": health.troubles(
            sum(group["new"] for group in last_hour["groups"]),
            clock.text(day),
            queues.result(),
            stuck,
            messages.result().total(),
        ),
        "groups": last_day["groups"][:GROUPS],
        "more_groups": max(len(last_day["groups"]) - GROUPS, 0),
        "in_last_hour": latest,
        "failed_in_day": last_day["examined"],
        "is_complete": last_day["complete"],
        "day": clock.text(day),
        "queues": queues.result(),
        "running": len(running.result().records),
        "stuck": stuck,
        "coming": sorted((each for each in coming.result() if each["next_run"]), key=_due)[:COMING],
        "every": REFRESH_SECONDS,
    }
    return {**context, "versions": versions(context), "digest": digest(context)}


def _due(schedule: schedules.Schedule) -> str:
    return schedule["next_run"] or ""


def versions(context: dict[str, Any]) -> dict[str, str]:
    """Return the versions of the rows of causes and queues by row id; an update omits those that a page already has."""
    latest = context["in_last_hour"]
    shown = {f"c-{each['fingerprint']}": (each, latest.get(each["fingerprint"])) for each in context["groups"]}
    shown |= {f"q-{each['name']}": each for each in context["queues"]}
    return {row: hashlib.sha256(repr((row, content)).encode()).hexdigest()[:8] for row, content in shown.items()}


def digest(context: dict[str, Any]) -> str:
    """Return a digest that changes with anything shown except growing ages."""
    queues = [{**queue, "oldest_seconds": None} for queue in context["queues"]]
    kept = ("troubles", "groups", "in_last_hour", "running", "coming")
    return hashlib.sha256(repr((queues, [context[name] for name in kept])).encode()).hexdigest()[:12]
