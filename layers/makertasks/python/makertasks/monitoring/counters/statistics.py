"""Statistics of tasks by status, name, hour and day, with runtimes, read only from the counters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict

from makertasks import clock
from makertasks.errors import InvalidRequest
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters import reading, samples
from makertasks.monitoring.counters.cells import CounterCell

# Ranges up to this have hourly resolution, longer ones daily.
HOURLY = timedelta(days=3)
LONGEST = timedelta(days=400)

Counts = dict[str, int]


class Runtime(TypedDict):
    """Runtimes in seconds. Percentiles are exact for few runs, otherwise from a histogram with steps of 41 %."""

    mean: float
    p50: float
    p95: float
    p99: float
    count: int
    longest: float | None  # unknown for cells from before it was counted
    exact: bool


class Wait(TypedDict):
    """Waiting times before first attempts in seconds; time before the ETA does not count."""

    mean: float
    longest: float


class NameCounts(TypedDict):
    """The tasks of one name."""

    name: str
    counts: Counts
    total: int
    retried: int
    runtime: Runtime | None


class Period(TypedDict):
    """The tasks created in one hour (`2026-11-22T09`) or on one day."""

    period: str
    counts: Counts
    by_name: dict[str, Counts]


Summary = TypedDict(
    "Summary",
    {
        "from": str,
        "to": str,
        "step": Literal["hour", "day"],
        "totals": Counts,
        "retried": int,
        "by_name": list[NameCounts],
        "series": list[Period],
    },
)


@dataclass(frozen=True)
class Counted:
    """Return the cells of the tasks created between two times, by hour (`2026-11-22T09`) or by day."""

    oldest: str
    newest: str
    step: Literal["hour", "day"]
    cells: dict[str, list[CounterCell]]


def read(created_from: datetime, created_to: datetime) -> Counted:
    """Return the counts between two times, by whole hours or days.

    Raises InvalidRequest for a range that is too long or negative, and Unavailable.
    """
    if created_to < created_from:
        raise InvalidRequest("created_to", "is before created_from")
    if created_to - created_from > LONGEST:
        raise InvalidRequest(
            "created_from", f"is more than {LONGEST.days} days before created_to; choose a shorter period"
        )
    hourly = created_to - created_from <= HOURLY
    oldest, newest = clock.text(created_from), clock.text(created_to)
    cells = dict(_hours(oldest, newest) if hourly else _days(oldest, newest))
    return Counted(oldest, newest, "hour" if hourly else "day", cells)


def summary(created_from: datetime, created_to: datetime) -> Summary:
    """Return all counts of the tasks created between two times, oldest periods first; raises like `read`."""
    return summary_of(read(created_from, created_to))


def summary_of(counted: Counted) -> Summary:
    """Return the statistics of cells that were read."""
    cells = counted.cells
    names: dict[str, list[CounterCell]] = defaultdict(list)
    for period in cells.values():
        for cell in period:
            names[cell.name].append(cell)
    by_name = [_of_name(name, names[name]) for name in sorted(names)]
    return {
        "from": counted.oldest,
        "to": counted.newest,
        "step": counted.step,
        "totals": _added(entry["counts"] for entry in by_name),
        "retried": sum(entry["retried"] for entry in by_name),
        "by_name": by_name,
        "series": [_of_period(period, cells[period]) for period in sorted(cells)],
    }


def runtimes_by_period(counted: Counted, digits: int) -> dict[str, dict[str, Runtime]]:
    """Return runtimes by period and task name; a period is the first `digits` characters of the cells' periods."""
    found: dict[tuple[str, str], list[CounterCell]] = defaultdict(list)
    for period, cells in counted.cells.items():
        for cell in cells:
            found[period[:digits], cell.name].append(cell)
    answer: dict[str, dict[str, Runtime]] = defaultdict(dict)
    for (period, name), cells in found.items():
        if known := _runtime_of(cells):
            answer[period][name] = known
    return dict(answer)


def waits_by_period(counted: Counted, digits: int, names: Collection[str]) -> dict[str, Wait]:
    """Return the waiting times of the tasks of some names by period, as `runtimes_by_period`."""
    found: dict[str, list[CounterCell]] = defaultdict(list)
    for period, cells in counted.cells.items():
        found[period[:digits]] += [cell for cell in cells if cell.name in names and cell.waits]
    return {
        period: {
            "mean": round(sum(cell.wait_sum or 0 for cell in cells) / sum(int(cell.waits or 0) for cell in cells), 3),
            "longest": round(max(float(cell.longest_wait or 0) for cell in cells), 3),
        }
        for period, cells in found.items()
        if cells
    }


def runtime(
    runtimes: Mapping[int, int], seconds: float, runs: Sequence[float] = (), longest: float | None = None
) -> Runtime | None:
    """Return mean and percentiles of ended attempts by bucket (`counters.runtime_bucket`) and their sum in seconds.

    `runs` are the attempts themselves if all of them are known; no percentile is larger than `longest`.
    """
    count = sum(runtimes.values())
    if not count:
        return None
    exact, ordered = len(runs) == count, sorted(runs)

    def percentile(share: float) -> float:
        if exact:
            return round(samples.percentile(ordered, share), 3)
        found = _percentile(runtimes, count * share)
        return round(found if longest is None else min(found, longest), 3)

    return {
        "mean": round(seconds / count, 3),
        "p50": percentile(0.5),
        "p95": percentile(0.95),
        "p99": percentile(0.99),
        "count": count,
        "longest": None if longest is None else round(longest, 3),
        "exact": exact,
    }


def _percentile(runtimes: Mapping[int, int], rank: float) -> float:
    """Return the runtime at a rank, assuming that a bucket's attempts are evenly distributed."""
    before = 0
    for bucket in sorted(runtimes):
        if before + runtimes[bucket] >= rank:
            lower = counters.bucket_limit(bucket - 1) if bucket else 0.0
            return lower + (counters.bucket_limit(bucket) - lower) * (rank - before) / runtimes[bucket]
        before += runtimes[bucket]
    raise AssertionError("a rank is within the count")


def _of_name(name: str, cells: list[CounterCell]) -> NameCounts:
    counts = _added(cell.counts for cell in cells)
    return {
        "name": name,
        "counts": counts,
        "total": sum(counts.values()),
        "retried": sum(int(cell.retried) for cell in cells),
        "runtime": _runtime_of(cells),
    }


def _runtime_of(cells: list[CounterCell]) -> Runtime | None:
    runtimes: dict[int, int] = defaultdict(int)
    for cell in cells:
        for bucket, number in cell.runtimes.items():
            runtimes[int(bucket)] += number
    runs = [run for cell in cells for run in samples.read(cell.samples)]
    ran = [cell.longest for cell in cells if cell.runtimes]
    longest = None if None in ran else max(map(float, ran), default=None)
    return runtime(runtimes, float(sum(cell.runtime_sum for cell in cells)), runs, longest)


def _of_period(period: str, cells: list[CounterCell]) -> Period:
    names: dict[str, list[Counts]] = defaultdict(list)
    for cell in cells:
        names[cell.name].append(cell.counts)
    return {
        "period": period,
        "counts": _added(cell.counts for cell in cells),
        "by_name": {name: _added(counts) for name, counts in names.items()},
    }


def _added(each: Iterable[Counts]) -> Counts:
    total: Counts = defaultdict(int)
    for counts in each:
        for status, number in counts.items():
            total[status] += number
    return {status: number for status, number in total.items() if number}


def _hours(oldest: str, newest: str) -> Iterator[tuple[str, list[CounterCell]]]:
    day = clock.parse(oldest[:10])
    while clock.text(day)[:10] <= newest[:10]:
        found: dict[str, list[CounterCell]] = defaultdict(list)
        for cell in counters.cells(clock.text(day)[:10]):
            if oldest[:13] <= cell.hour <= newest[:13]:
                found[cell.hour].append(cell)
        yield from found.items()
        day += timedelta(days=1)


def _days(oldest: str, newest: str) -> Iterator[tuple[str, list[CounterCell]]]:
    for month in reading.months():
        if oldest[:7] <= month <= newest[:7]:
            found: dict[str, list[CounterCell]] = defaultdict(list)
            for cell in reading.day_cells(month):
                day = f"{month}-{cell.cell[:2]}"
                if oldest[:10] <= day <= newest[:10]:
                    found[day].append(cell)
            yield from found.items()
