"""The charts' periods: a day by hours, 30 days by days, a year by months. Times are UTC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.pages import calendar, charts
from api.pages.addresses import address
from api.pages.charts import Mark, Point
from makertasks import clock
from makertasks.monitoring.history import Deployment

Counts = Mapping[str, int]


@dataclass(frozen=True)
class Range:
    """A chart's range; `digits` is the length of a column's period as a prefix of an ISO 8601 time."""

    name: str
    label: str
    span: timedelta
    digits: int


RANGES = {
    each.name: each
    for each in (
        Range("hour", "24 hours", timedelta(hours=23), len("2026-11-22T09")),
        Range("day", "30 days", timedelta(days=29), len("2026-11-22")),
        Range("month", "12 months", timedelta(days=335), len("2026-11")),
    )
}
# Length of each column's period; a month counts as 31 days.
LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=31)}
# A week by days, for the trend of one cause of failure.
WEEK = Range("week", "7 days", timedelta(days=6), len("2026-11-22"))


def columns(wanted: Range, now: datetime) -> list[str]:
    """Return every period of a range, oldest first, the current one last."""
    if wanted.name == "month":
        months = [now.year * 12 + now.month - 1 - back for back in range(11, -1, -1)]
        return [f"{month // 12}-{month % 12 + 1:02}" for month in months]
    step = timedelta(hours=1) if wanted.name == "hour" else timedelta(days=1)
    count = wanted.span // step
    return [clock.text(now - step * back)[: wanted.digits] for back in range(count, -1, -1)]


def points(wanted: Range, now: datetime, figures: Iterable[tuple[str, Counts]], **filters: str) -> list[Point]:
    """Return a chart's points from pairs of period and counts; each links to the list of its tasks."""
    added: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for period, counts in figures:
        for name, number in counts.items():
            added[period[: wanted.digits]][name] += number
    return [
        Point(
            label(period), link(period, **filters), dict(added.get(period, {})),
            f"{period}:00:00Z" if wanted.name == "hour" else "",
        )
        for period in columns(wanted, now)
    ]  # fmt: skip


def marks(wanted: Range, now: datetime, deployments: Iterable[Deployment]) -> list[Mark]:
    """Return a chart's marks for deployments at their exact times; each links to the tasks created since."""
    indexes = {period: index for index, period in enumerate(columns(wanted, now))}
    step, found = charts.WIDTH / len(indexes), []
    for each in deployments:
        period = each.moment[: wanted.digits]
        if period in indexes:
            begun = clock.parse(period + {"month": "-01", "day": "", "hour": ":00"}[wanted.name])
            share = (clock.parse(each.moment) - begun) / LENGTHS[wanted.name]
            x = round((indexes[period] + min(share, 1)) * step, 1)
            found.append(Mark(x, each.moment, each.build, address("/tasks", created_from=each.moment)))
    return found


def link(period: str, **filters: Any) -> str:
    """Return the URL of the list of the tasks created in a period."""
    found = {7: calendar.month, 10: calendar.day, 13: calendar.hour}[len(period)](period)
    return address("/tasks", filters, created_from=found.created_from, created_to=found.created_to)


def label(period: str) -> str:
    """Return a short label of a period.

    >>> label("2026-11-22T09"), label("2026-11-22"), label("2026-11")
    ('09:00 UTC', '22 Nov', 'Nov 2026')
    """
    if len(period) > len("2026-11-22"):
        return f"{period[11:]}:00 UTC"
    name = calendar.month(period[:7]).label[:3]
    return f"{period[8:].lstrip('0')} {name}" if len(period) > len("2026-11") else f"{name} {period[:4]}"
