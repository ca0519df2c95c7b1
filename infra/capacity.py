"""Calculates the share of AWS's limits that a number of tasks uses, and which quota to raise first.

    python -m infra.capacity         rewrites the tables of docs/capacity.md

Shares refer to an account's default limits. Rates are of the busiest second where nothing can wait (submissions,
writes), and averages where a queue evens them out (functions).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from infra import costs, partitions, tables
from infra.local import template
from makertasks.monitoring.counters import seen_events

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/capacity.md"
AWS = "https://docs.aws.amazon.com"
# Assumed: the busiest second of a day has ten times the average.
PEAK = 10
# Assumed: one client records a thousand tasks a second (make bench), so a burst of 100,000 takes 100 seconds.
BURST_SECONDS = 100
NEARLY = 0.75  # raise a limit above this share
ONE_PERCENT = 0.01
SECONDS_A_DAY = 86_400
WINDOW_SECONDS = 2  # template.yaml: MaximumBatchingWindowInSeconds of task_events
EVENTS_A_TASK = 3  # recorded, started, ended
RECORD_UNITS = 4  # counted: three writes of a record slightly above 1 KB, without indexes, which have no stream
CELL_BYTES = 400  # counted: a counter's cell without the tasks that it remembers
DELAYED = 0.01  # assumed: share of tasks that are delayed by more than 15 minutes, each with a schedule
CALLS = 10  # assumed: tasks per API request of scripts that send many at a time


@dataclass(frozen=True)
class Limit:
    """A limit, its source, who raises it, and a note from its source."""

    name: str
    most: float
    unit: str
    source: str
    raised_by: str
    remark: str = ""


# Compared with their sources on 2026-11-26, except the rate of writes to logs, which AWS shows in Service Quotas.
LIMITS = {
    "partition": Limit(
        "One DynamoDB partition", 1_000, "write units/s",
        f"{AWS}/amazondynamodb/latest/developerguide/bp-partition-key-design.html", "`KeyShards`",
    ),
    "counter": Limit(
        "A counter's item", 1_000, "write units/s",
        f"{AWS}/amazondynamodb/latest/developerguide/bp-partition-key-design.html", "`KeyShards`",
    ),
    "new table": Limit(
        "A new table", 4_000, "write units/s",
        f"{AWS}/amazondynamodb/latest/developerguide/warm-throughput-scenarios.html",
        "grows by itself, doubling within 30 minutes; or set warm throughput beforehand", "the initial warm throughput",
    ),
    "table": Limit(
        "A table", 40_000, "write units/s",
        f"{AWS}/amazondynamodb/latest/developerguide/ServiceQuotas.html", "Service Quotas, DynamoDB",
        "applies to the table and to each of its indexes separately",
    ),
    "queue": Limit(
        "Messages in flight per queue", 120_000, "messages",
        f"{AWS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html", "Support",
        "“approximately”",
    ),
    "new account": Limit(
        "Concurrent functions, new account", 10, "functions",
        f"{AWS}/lambda/latest/dg/gettingstarted-limits.html", "Service Quotas, Lambda",
        "the page says “reduced”; 10 is what new accounts report",
    ),
    "account": Limit(
        "Concurrent functions", 1_000, "functions",
        f"{AWS}/lambda/latest/dg/gettingstarted-limits.html", "Service Quotas, Lambda",
    ),
    "downloads": Limit(
        "Concurrent downloads", 5, "functions", "template.yaml", "the queue's page, or template.yaml"
    ),
    "api": Limit(
        "API requests", 20, "requests/s", "template.yaml, `RequestsPerSecond`", "`RequestsPerSecond`, up to 10,000"
    ),
    "scheduler": Limit(
        "Schedule creations", 250, "requests/s", f"{AWS}/scheduler/latest/UserGuide/scheduler-quotas.html",
        "Service Quotas, EventBridge Scheduler", "the smallest of all regions; 5,000 in the largest",
    ),
    "schedules": Limit(
        "Pending schedules, one day each", 10_000_000, "schedules",
        f"{AWS}/scheduler/latest/UserGuide/scheduler-quotas.html", "Service Quotas, EventBridge Scheduler",
    ),
    "logs": Limit(
        "Log writes", 5_000, "requests/s",
        f"{AWS}/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html", "Service Quotas, CloudWatch Logs",
        "PutLogEvents; one request is assumed for the start and one for the end of an invocation",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Load:
    """A stack's load: tasks per second on average and in the busiest second, and tasks per day."""

    name: str
    average: float
    peak: float
    tasks: float

    @classmethod
    def daily(cls, tasks: int) -> Load:
        """Return the load of a number of tasks per day."""
        return cls(f"{tasks:,} a day", tasks / SECONDS_A_DAY, PEAK * tasks / SECONDS_A_DAY, tasks)


BURST = Load("burst of 100,000", 100_000 / BURST_SECONDS, 100_000 / BURST_SECONDS, 100_000)
LOADS = (*(Load.daily(tasks) for tasks in (1_000, 100_000, 1_000_000, 10_000_000)), BURST)


def used(load: Load, shards: int = 1) -> dict[str, float]:
    """Return a load's use of each limit; all tasks of the busiest second may have one name."""
    functions = sum(share * seconds(kind) * load.average for kind, share in zip(costs.KINDS, costs.MIX, strict=False))
    downloads = costs.MIX[2] * seconds(costs.KINDS[2]) * (load.average if load is not BURST else 0)
    invocations = sum(share / kind.batch for kind, share in zip(costs.KINDS, costs.MIX, strict=False)) * load.peak
    units = write_units() * load.peak
    return {
        # a task writes one unit to the indexes by name and by final status, and two to the index of active tasks, which
        # has four times the shards
        "partition": load.peak / shards,
        "counter": counter_units(load.peak, shards),
        "new table": units,
        "table": units,
        "queue": functions * max(kind.batch for kind in costs.KINDS),
        "new account": functions,
        "account": functions,
        "downloads": downloads,
        "api": load.peak / CALLS,
        "scheduler": load.peak * DELAYED,
        "schedules": load.tasks * DELAYED,
        "logs": 2 * invocations,
    }


def seconds(kind: costs.Kind) -> float:
    """Return the seconds for which one task of a backlog occupies a function."""
    gb_seconds = kind.parts(backlog=True)["Lambda, time"]["lambda_gb_second"] - costs.STREAM_SECONDS / 2 / 100
    return gb_seconds * 1024 / kind.memory_mb


def write_units() -> float:
    """Return the average write units per task of the mix, without counters."""
    return sum(
        share * (costs.RECORD_WRITES + kind.own_writes) for kind, share in zip(costs.KINDS, costs.MIX, strict=False)
    )


def counter_units(rate: float, shards: int) -> float:
    """Return the busiest counter's write units per second: each batch of a stream shard writes a growing item once."""
    streams = max(partitions.NEW_TABLE, math.ceil(RECORD_UNITS * rate / partitions.UNITS_A_SECOND))
    changes = EVENTS_A_TASK * rate / streams  # per second, of one stream shard
    events = min(batch_size(), max(1.0, changes * WINDOW_SECONDS))
    batches = streams * min(changes, max(1 / WINDOW_SECONDS, changes / batch_size()))
    kept = max(seen_events.BATCHES, 4 * shards)
    remembered = seen_events.DIGEST_BYTES * max(seen_events.EVENTS, kept * events / shards)
    return batches * math.ceil((CELL_BYTES + remembered + seen_events.MOMENT_BYTES * kept) / 1024)


def batch_size() -> int:
    """Return the maximum number of changes per invocation of task_events."""
    events = template.load()["Resources"]["TaskEventsFunction"]["Properties"]["Events"]
    return int(events["Tasks"]["Properties"]["BatchSize"])


def shards_for(load: Load) -> int:
    """Return the smallest KeyShards with which no partition of keys is full and counters keep up."""
    fits = (
        shards
        for shards in template.load()["Parameters"]["KeyShards"]["AllowedValues"]
        if shares(load, shards)["partition"] <= NEARLY and shares(load, shards)["counter"] <= 1
    )
    return int(next(fits))


def shares(load: Load, shards: int = 1) -> dict[str, float]:
    """Return the share of each limit that a load uses."""
    return {name: number / LIMITS[name].most for name, number in used(load, shards).items()}


def percent(share: float) -> str:
    """Return a share as percent for a table, in bold above 100 %."""
    return f"**{share:.0%}**" if share > 1 else "< 1 %" if share < ONE_PERCENT else f"{share:.0%}".replace("%", " %")


def table() -> list[str]:
    """Return the table of each limit's share by load, with one shard."""
    found = [shares(load) for load in LOADS]
    lines = ["| Limit | | " + " | ".join(load.name for load in LOADS) + " |", "|---|---|" + "---:|" * len(LOADS)]
    for name, limit in LIMITS.items():
        row = " | ".join(percent(each[name]).replace("%**", " %**") for each in found)
        lines.append(f"| {limit.name} | {limit.most:,.0f} {limit.unit} | {row} |")
    return [*lines, "| `KeyShards` needed | | " + " | ".join(str(shards_for(load)) for load in LOADS) + " |"]


def first() -> list[str]:
    """Return the table of limits to raise for each load, in order."""
    lines = ["| Load | Limits to raise, in order |", "|---|---|"]
    for load in LOADS:
        above = sorted(((share, name) for name, share in shares(load).items() if share > NEARLY), reverse=True)
        steps = dict.fromkeys(f"{LIMITS[name].name} ({LIMITS[name].raised_by})" for _, name in above)
        lines.append(f"| {load.name} | {'; '.join(steps) or 'nothing'} |")
    return lines


def sources() -> list[str]:
    """Return the table of each limit's source."""
    rows = [f"| {limit.name} | {limit.source} | {limit.remark} |" for limit in LIMITS.values()]
    return ["| Limit | Source | Remark |", "|---|---|---|", *rows]


def simulated() -> list[str]:
    """Return the table of the burst, simulated with the model of partitions."""
    lines = ["| `KeyShards` | recorded after | ended after | lost |", "|---:|---:|---:|---:|"]
    for shards in (1, 16):
        found = partitions.burst(100_000, shards=shards)
        lines.append(f"| {shards} | {found.recorded_after:.0f} s | {found.ended_after:.0f} s | {found.lost} |")
    return lines


def document(text: str) -> str:
    """Return the text of docs/capacity.md with its tables regenerated."""
    made = {"shares": table(), "first": first(), "sources": sources(), "burst": simulated()}
    return tables.filled(text, made)


def main() -> int:
    """Write the tables of docs/capacity.md."""
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
