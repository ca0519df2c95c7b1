"""The overview: problems, failures, queues, next scheduled runs, throughput and runtimes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from api.access import Caller, Role
from api.pages import charts, health, periods, rendering
from api.pages.periods import Range
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock, tasks
from makertasks.monitoring import dead_letters, failure_groups, listing, schedules
from makertasks.monitoring import queues as task_queues
from makertasks.monitoring.counters import statistics
from makertasks.records.states import Status

REFRESH_SECONDS = 10
# Groups of failures shown, the most frequent first; the task list has the rest.
GROUPS = 8
COMING = 5
# Concurrent requests to AWS; they wait for the network, not for the processor.
AT_A_TIME = 4


class OverviewQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the overview: the charts' period, and the digest of what a live page already shows."""

    range: Literal["hour", "day", "month"] = "hour"
    known: Annotated[str, msgspec.Meta(max_length=40)] = ""


@page("GET", "/", Role.VIEWER)
def overview_page(caller: Caller, query: OverviewQuery, request: Request) -> Reply:
    """Everything at a glance."""
    context = shown(periods.RANGES[query.range], clock.now())
    if rendering.is_update(request) and context["digest"] == query.known:
        return Reply("", 204)
    template = "overview_part.html" if rendering.is_update(request) else "overview.html"
    return rendering.page(request, caller, template, section="/", **context)


def shown(wanted: Range, now: datetime) -> dict[str, Any]:
    """Return the overview's content, read by concurrent requests."""
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    names = list(tasks.discover())
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        counting = pool.submit(statistics.read, now - wanted.span, now)
        last_day = pool.submit(failure_groups.recent, day, now)
        last_hour = pool.submit(failure_groups.recent, hour, now)
        queues = pool.submit(task_queues.list_queues)
        messages = pool.submit(dead_letters.counts)
        running = pool.submit(
            listing.page, listing.Filter(status=Status.STARTED), limit=listing.MAXIMUM_LIMIT, names=names
        )
        coming = pool.submit(schedules.list_schedules)
    latest = {group["fingerprint"]: group["count"] for group in last_hour.result()["groups"]}
    counted = counting.result()
    figures = statistics.summary_of(counted)
    stuck = health.stuck(running.result().records, now)
    since = clock.text(hour)
    context = {
        "troubles": health.troubles(
            sum(group["new"] for group in last_hour.result()["groups"]),
            since,
            queues.result(),
            stuck,
            messages.result().total(),
        ),
        "groups": last_day.result()["groups"][:GROUPS],
        "more_groups": max(len(last_day.result()["groups"]) - GROUPS, 0),
        "in_last_hour": latest,
        "failed_in_day": last_day.result()["examined"],
        "is_complete": last_day.result()["complete"],
        "day": clock.text(day),
        "queues": queues.result(),
        "running": len(running.result().records),
        "stuck": stuck,
        "coming": sorted((each for each in coming.result() if each["next_run"]), key=_due)[:COMING],
        "totals": figures["totals"],
        "by_name": [entry for entry in figures["by_name"] if entry["total"]],
        "by_status": by_status(wanted, now, figures),
        "by_type": by_type(wanted, now, figures, names),
        "failure_rate": failure_rate(wanted, now, figures),
        "medians": medians(wanted, now, counted, names),
        "kinds": charts.kinds(names),
        "range": wanted,
        "ranges": periods.RANGES.values(),
        "every": REFRESH_SECONDS,
    }
    return {**context, "digest": digest(context)}


def by_status(wanted: Range, now: datetime, figures: statistics.Summary) -> charts.Chart:
    """Tasks over time by status."""
    series = [(entry["period"], entry["counts"]) for entry in figures["series"]]
    return charts.stacked(periods.points(wanted, now, series), charts.STATUSES)


def by_type(wanted: Range, now: datetime, figures: statistics.Summary, names: list[str]) -> charts.Chart:
    """Tasks over time by type."""
    return charts.stacked(periods.points(wanted, now, _totals(figures)), names)


def failure_rate(wanted: Range, now: datetime, figures: statistics.Summary) -> charts.Chart:
    """The share of failures among the tasks that ran to their end, over time, in percent."""
    counted = [(entry["period"], entry["counts"]) for entry in figures["series"]]
    points = periods.points(wanted, now, counted, status=str(Status.FAILURE))
    return charts.lines([replace(point, values=_rate(point.values)) for point in points], ["failed"], "%", least=0)


def _rate(counts: Mapping[str, int]) -> dict[str, int]:
    failed = counts.get(Status.FAILURE, 0)
    ended = failed + counts.get(Status.SUCCESS, 0)
    return {"failed": round(100 * failed / ended)} if ended else {}


def medians(wanted: Range, now: datetime, counted: statistics.Counted, names: list[str]) -> charts.Chart:
    """Median runtimes over time by type, in milliseconds."""
    found = statistics.runtimes_by_period(counted, wanted.digits)
    series = [(period, {name: round(each["p50"] * 1000) for name, each in by.items()}) for period, by in found.items()]
    return charts.lines(periods.points(wanted, now, series), names)


def _totals(figures: statistics.Summary) -> Iterator[tuple[str, dict[str, int]]]:
    for entry in figures["series"]:
        yield entry["period"], {name: sum(counts.values()) for name, counts in entry["by_name"].items()}


def _due(schedule: schedules.Schedule) -> str:
    return schedule["next_run"] or ""


def digest(context: dict[str, Any]) -> str:
    """Return a digest that changes with anything shown except growing ages."""
    queues = [{**queue, "oldest_seconds": None} for queue in context["queues"]]
    kept = ("troubles", "groups", "totals", "by_status", "running", "coming")
    return hashlib.sha256(repr((queues, [context[name] for name in kept])).encode()).hexdigest()[:12]
