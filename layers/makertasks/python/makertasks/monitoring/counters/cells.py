"""The counters table: tasks counted by hour and by day of their creation, by name and by status.

    period (partition)   cell (sort)          counts of
    2026-11-22           09#{task name}       the tasks of that name created in that hour
    2026-11              22#{task name}       the tasks of that name created on that day
    months               2026-11              (that there are days in that month)
    totals               #{task name}         all tasks of that name
    doubts               -                    (the hours that may have counted a change twice, see doubts)
    late#2026-11-22      2026-10-22           (that tasks of that day expired on 2026-11-22)

With spread keys (`settings.key_shards`) an hour's cell has parts: 09#{task name}, 09~1#{task name} …
Each counts the tasks of one shard; whoever reads an hour sums them up.

The tasks table's stream feeds the cells of hours; `rolling_up` sums them up into those of days and into the totals. An
hour's cell adds differences, so the order of changes does not matter; and it notes each change that it has counted
(`seen_events`), so one that comes again counts once. The cells also say where tasks are: listings ask them which hours
are worth a query.
"""

from __future__ import annotations

import math

from pynamodb.attributes import BinaryAttribute, ListAttribute, NumberAttribute, UnicodeAttribute, VersionAttribute
from pynamodb.expressions.condition import Condition

from makertasks import settings
from makertasks.aws.dynamodb import JSONMap, Missing, Table, answering
from makertasks.monitoring import snapshot
from makertasks.monitoring.counters import samples


class CounterCell(Table):
    """Counts of one task name in one hour or day."""

    period = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    counts = JSONMap(default=dict)  # {status: tasks}
    removed = JSONMap(null=True)  # {status: tasks that were removed since}: with `counts`, all there ever were
    retried = NumberAttribute(default=0)  # attempts that ended in RETRY
    runtimes = JSONMap(default=dict)  # {bucket: ended attempts}, see runtime_bucket()
    runtime_sum = NumberAttribute(default=0)  # seconds
    samples = BinaryAttribute(null=True, legacy_encoding=False)  # the runtimes themselves while few, see samples.py
    longest = NumberAttribute(null=True)  # seconds
    failed_runtimes = JSONMap(null=True)  # of those that ended in FAILURE, as `runtimes`
    failed_sum = NumberAttribute(null=True)  # seconds
    waits = NumberAttribute(null=True)  # tasks that have started
    wait_sum = NumberAttribute(null=True)  # seconds before their first attempt; time before the ETA does not count
    longest_wait = NumberAttribute(null=True)  # seconds
    remembered = ListAttribute(of=BinaryAttribute, default=list)  # see seen_events
    forgotten = NumberAttribute(null=True)  # epoch seconds of the newest event that is remembered no longer
    version = VersionAttribute()

    @property
    def name(self) -> str:
        """The task's name."""
        return self.cell.partition("#")[2]

    @property
    def hour(self) -> str:
        """`2026-11-22T09` of an hour's cell."""
        return f"{self.period}T{self.cell[:2]}"

    @property
    def is_empty(self) -> bool:
        """Whether nothing is counted here."""
        return not (
            self.counts
            or self.removed
            or self.runtimes
            or self.retried
            or self.runtime_sum
            or self.waits
            or self.wait_sum
        )

    @property
    def runs(self) -> int:
        """Ended attempts."""
        return sum(self.runtimes.values())

    def _longest_with(self, other: CounterCell, sign: int) -> float | None:
        """Return the longest run of both, None if one has runs of which it is not known."""
        if sign < 0 or not other.runs:
            return self.longest
        if other.longest is None or (self.runs and self.longest is None):
            return None
        return max(self.longest or 0, other.longest)

    def add(self, other: CounterCell, sign: int = 1) -> None:
        """Count what another cell counts, too; with sign -1 no more."""
        self.counts = _added(self.counts, other.counts, sign)
        self.removed = _added(self.removed or {}, other.removed or {}, sign) or None
        self.longest = self._longest_with(other, sign)
        self.samples = samples.joined(self.samples, self.runs, other.samples, other.runs, sign)
        self.runtimes = _added(self.runtimes, other.runtimes, sign)
        self.retried += sign * other.retried
        self.runtime_sum = round(self.runtime_sum + sign * other.runtime_sum, 3)
        self.failed_runtimes = _added(self.failed_runtimes or {}, other.failed_runtimes or {}, sign) or None
        self.failed_sum = round((self.failed_sum or 0) + sign * (other.failed_sum or 0), 3) or None
        self.waits = (self.waits or 0) + sign * (other.waits or 0) or None
        self.wait_sum = round((self.wait_sum or 0) + sign * (other.wait_sum or 0), 3) or None
        self.longest_wait = max(self.longest_wait or 0, other.longest_wait or 0 if sign > 0 else 0) or None


def _added(counts: dict[str, int], others: dict[str, int], sign: int) -> dict[str, int]:
    added = {key: counts.get(key, 0) + sign * others.get(key, 0) for key in {*counts, *others}}
    return {key: number for key, number in added.items() if number}


def connect() -> None:
    """Bind the model to the table that the environment names."""
    CounterCell.bind(settings.counters_table())


# Upper limits of buckets within a decade. Among them are those of Flower's and Prometheus' histograms.
STEPS = (1.0, 1.4, 2.0, 2.5, 3.5, 5.0, 7.5)


def runtime_bucket(seconds: float) -> int:
    """Number of the bucket of a runtime: the first whose limit it does not exceed, so within half of itself."""
    decade = max(0, math.floor(math.log10(max(seconds, 0.001) * 1000)) - 1)
    bucket = len(STEPS) * decade
    while bucket_limit(bucket) < seconds:
        bucket += 1
    return bucket


def bucket_limit(bucket: int) -> float:
    """Upper limit of a bucket in seconds: 1, 1.4, 2, 2.5, 3.5, 5, 7.5, 10, 14 ... milliseconds."""
    decade, step = divmod(bucket, len(STEPS))
    return round(STEPS[step] * 10.0**decade / 1000, 12)


def places_of(name: str, created: str, shard: int = 0) -> list[tuple[str, str]]:
    """The cells that count a task: of its hour, of its day, and of all time."""
    part = f"~{shard}" if shard else ""
    return [
        (created[:10], f"{created[11:13]}{part}#{name}"),
        (created[:7], f"{created[8:10]}#{name}"),
        ("totals", f"#{name}"),
    ]


def read(period: str, name: str) -> CounterCell:
    """One cell, a new one where nothing is counted there yet; raises Unavailable."""
    try:
        with answering("the counters table did not respond"):
            return CounterCell.get(period, name, consistent_read=True)
    except Missing:
        return CounterCell(period, name)


def cells(period: str, within: str = "", *, consistent: bool = False) -> list[CounterCell]:
    """Every cell of a day (`2026-11-22`: its hours) or of a month (`2026-11`: its days); raises Unavailable.

    `within` is the one hour or day that is read, `consistent` reads what was written a moment ago. Within a snapshot
    the cells are shared: they must not be changed.
    """
    one = CounterCell.cell.startswith(f"{within}#") if within else None
    if consistent:
        return _query(period, one, consistent=True)
    return snapshot.once(("cells", period, within), lambda: _query(period, one, consistent=False))


def days(month: str, first: str, last: str) -> list[CounterCell]:
    """Return the cells of some days of a month (`2026-11`, `22`, `24`), read consistently; raises Unavailable."""
    return _query(month, CounterCell.cell.between(f"{first}#", f"{last}$"), consistent=True)


def _query(period: str, within: Condition | None, *, consistent: bool) -> list[CounterCell]:
    connect()
    with answering("the counters table did not respond"):
        return list(CounterCell.query(period, within, consistent_read=consistent))
