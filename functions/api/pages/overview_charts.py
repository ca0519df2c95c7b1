"""The overview's charts: each is a live region of its own, so that an update has only one chart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from api.access import Caller, Role
from api.pages import charts, periods, rendering
from api.pages.addresses import address
from api.pages.periods import Range
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock, tasks
from makertasks.monitoring import history
from makertasks.monitoring.counters import statistics
from makertasks.records.states import Status

# Maximum number of lines that are distinguishable in one chart and fit into an update of 5 KB.
LINES = 6
# Maximum number of types with a series of their own in a bar chart; the others share one.
TYPES = 10
OTHERS = "other types"
# A chart's columns are hours or longer.
REFRESH_SECONDS = 60
Part = Literal["by_status", "by_type", "failure_rate", "medians", "runtimes"]


class ChartsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of one part: its period, and the digest of what a live page already shows."""

    part: Part
    range: Literal["hour", "day", "month"] = "hour"
    known: Annotated[str, msgspec.Meta(max_length=40)] = ""


@page("GET", "/charts", Role.VIEWER)
def charts_page(caller: Caller, query: ChartsQuery, request: Request) -> Reply:
    """Return one part for an open page's live update; other requests are redirected to the overview."""
    if not rendering.is_update(request):
        return Reply.redirect(address("/", range=query.range))
    context = shown(periods.RANGES[query.range], clock.now())
    if context["digests"][query.part] == query.known:
        return Reply("", 204)
    return rendering.page(request, caller, "overview_chart.html", part=query.part, **context)


def shown(wanted: Range, now: datetime) -> dict[str, Any]:
    """Return the content of every part and its digest; raises Unavailable."""
    since, names = now - wanted.span, list(tasks.discover())
    counted = statistics.read(since, now)
    figures = statistics.summary_of(counted)
    counted_names = [entry["name"] for entry in figures["by_name"]]  # including tasks whose code was removed
    marks = periods.marks(wanted, now, history.deployments(since, now))
    parts: dict[Part, Any] = {
        "by_status": by_status(wanted, now, figures),
        "by_type": by_type(wanted, now, figures),
        "failure_rate": failure_rate(wanted, now, figures),
        "medians": medians(wanted, now, counted, frequent(figures, LINES)),
    }
    parts = {name: replace(chart, marks=marks) for name, chart in parts.items()}
    parts["runtimes"] = [entry for entry in figures["by_name"] if entry["total"]]
    return {
        "parts": parts,
        "digests": {name: hashlib.sha256(repr(content).encode()).hexdigest()[:12] for name, content in parts.items()},
        "totals": figures["totals"],
        "left_out": max(len(parts["runtimes"]) - LINES, 0),
        "marks": marks,
        "kinds": {**charts.kinds([*{*names, *counted_names}]), OTHERS: "revoked"},
        "range": wanted,
        "ranges": periods.RANGES.values(),
        "charts_every": REFRESH_SECONDS,
    }


def by_status(wanted: Range, now: datetime, figures: statistics.Summary) -> charts.Chart:
    """Return the chart of tasks over time by status."""
    series = [(entry["period"], entry["counts"]) for entry in figures["series"]]
    return charts.stacked(periods.points(wanted, now, series), charts.STATUSES)


def by_type(wanted: Range, now: datetime, figures: statistics.Summary) -> charts.Chart:
    """Return the chart of tasks over time by type; all but the most frequent types share one series."""
    names = frequent(figures, TYPES)
    series = [(period, _merged(totals, names)) for period, totals in _totals(figures)]
    return charts.stacked(periods.points(wanted, now, series), [*names, OTHERS])


def _merged(totals: Mapping[str, int], names: list[str]) -> dict[str, int]:
    kept = {name: totals[name] for name in names if name in totals}
    return {**kept, OTHERS: sum(totals.values()) - sum(kept.values())}


def failure_rate(wanted: Range, now: datetime, figures: statistics.Summary) -> charts.Chart:
    """Return the chart of the failure rate over time: failures in percent of failed and successful tasks."""
    counted = [(entry["period"], entry["counts"]) for entry in figures["series"]]
    points = periods.points(wanted, now, counted, status=str(Status.FAILURE))
    return charts.lines([replace(point, values=_rate(point.values)) for point in points], ["failed"], "%", least=0)


def _rate(counts: Mapping[str, int]) -> dict[str, int]:
    failed = counts.get(Status.FAILURE, 0)
    ended = failed + counts.get(Status.SUCCESS, 0)
    return {"failed": round(100 * failed / ended)} if ended else {}


def frequent(figures: statistics.Summary, number: int) -> list[str]:
    """Return the names of the `number` types with the most tasks, in alphabetical order."""
    most = sorted(figures["by_name"], key=lambda entry: entry["total"], reverse=True)[:number]
    return sorted(entry["name"] for entry in most)


def medians(wanted: Range, now: datetime, counted: statistics.Counted, names: list[str]) -> charts.Chart:
    """Return the chart of median runtimes over time by type, in milliseconds."""
    found = statistics.runtimes_by_period(counted, wanted.digits)
    series = [(period, {name: round(each["p50"] * 1000) for name, each in by.items()}) for period, by in found.items()]
    return charts.lines(periods.points(wanted, now, series), names)


def _totals(figures: statistics.Summary) -> Iterator[tuple[str, dict[str, int]]]:
    for entry in figures["series"]:
        yield entry["period"], {name: sum(counts.values()) for name, counts in entry["by_name"].items()}
