"""What the sweep notes for charts, in the counters table: how long queues were, and when deployments happened.

    period (partition)   cell (sort)
    lengths#2026-11      22#{queue}                    the most waiting messages of each hour of that day
    deployments          2026-11-22T09:30:00.000000Z   the build that was seen first then

SQS's own metrics would cost a request to CloudWatch for each chart that is shown, and keep lengths for no other reader.
An idle queue costs nothing here: only queues with waiting tasks are asked and written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from pynamodb.attributes import UnicodeAttribute

from makertasks import clock, settings
from makertasks.aws import queues
from makertasks.aws.dynamodb import JSONMap, Missing, Table, answering

DEPLOYMENTS = "deployments"
# Characters of a build's digest that are kept and shown.
SHOWN = 12


class Entry(Table):
    """One day of a queue, or one deployment."""

    period = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    hours = JSONMap(null=True)  # {hour of the day: most waiting messages}
    build = UnicodeAttribute(null=True)


class Deployment(NamedTuple):
    """When a build was seen first, and its digest."""

    moment: str
    build: str


def note_lengths(names: Iterable[str]) -> None:
    """Note how many messages wait in these queues now; a queue that is gone is skipped. Raises Unavailable."""
    _connect()
    moment = clock.text(clock.now())
    for name in sorted(names):
        try:
            waiting = queues.lengths(name)[0]
        except queues.QueueMissing:
            continue
        entry = _read(f"lengths#{moment[:7]}", f"{moment[8:10]}#{name}")
        hours = entry.hours or {}
        if waiting > hours.get(moment[11:13], 0):
            entry.hours = {**hours, moment[11:13]: waiting}
            with answering("the counters table could not be written"):
                entry.save()


def lengths(queue: str, since: datetime, until: datetime) -> Iterator[tuple[str, int]]:
    """Yield (hour, most waiting messages) between two times, for hours in which messages waited; raises Unavailable."""
    _connect()
    first, last = clock.text(since), clock.text(until)
    for month in _months(since, until):
        within = (first[8:10], last[8:10]) if first[:7] == last[:7] == month else ("01", "32")
        with answering("the counters table did not respond"):
            entries = list(Entry.query(f"lengths#{month}", Entry.cell.between(within[0], f"{within[1]}~")))
        for entry in entries:
            day, _, name = entry.cell.partition("#")
            if name == queue:
                hours = ((f"{month}-{day}T{hour}", number) for hour, number in sorted((entry.hours or {}).items()))
                yield from ((hour, number) for hour, number in hours if first[:13] <= hour <= last[:13])


def note_deployment() -> None:
    """Note the build that runs, if the last one was another; a stack without one has none. Raises Unavailable."""
    build = settings.build()[:SHOWN]
    if not build:
        return
    _connect()
    with answering("the counters table did not respond"):
        last = next(iter(Entry.query(DEPLOYMENTS, scan_index_forward=False, limit=1)), None)
    if last is None or last.build != build:
        with answering("the counters table could not be written"):
            Entry(DEPLOYMENTS, clock.text(clock.now()), build=build).save()


def deployments(since: datetime, until: datetime) -> list[Deployment]:
    """Return the deployments between two times, oldest first; raises Unavailable."""
    _connect()
    between = Entry.cell.between(clock.text(since), clock.text(until))
    with answering("the counters table did not respond"):
        return [Deployment(entry.cell, entry.build or "") for entry in Entry.query(DEPLOYMENTS, between)]


def _read(period: str, cell: str) -> Entry:
    try:
        with answering("the counters table did not respond"):
            return Entry.get(period, cell, consistent_read=True)
    except Missing:
        return Entry(period, cell)


def _months(since: datetime, until: datetime) -> list[str]:
    days = (since + timedelta(days=number) for number in range((until - since).days + 1))
    return list(dict.fromkeys(clock.text(day)[:7] for day in (*days, until)))


def _connect() -> None:
    Entry.bind(settings.counters_table())
