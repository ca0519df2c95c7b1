"""Cells of hours summed up into those of days and into the totals.

The stream counts into cells of hours alone: one write where a task comes alone. Days and totals follow when a day is
over, in the sweep; until then `reading` adds the hours itself. A task of an earlier day that changes (it is deleted, it
ran for long) is rolled up at once, by whoever has counted it. Expired tasks are not: DynamoDB removes them one by one,
within days of their time, so their day is only noted, and the sweep rolls it up once, two days later.

A day's cell is the sum of its hours, and what it gains the totals gain in the same transaction. So rolling up twice, or
at the same time as somebody else, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pynamodb.transactions import TransactWrite

from makertasks import clock
from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.records import notes

# Days whose tasks still change so often that their hours alone are counted: today and yesterday, in UTC.
CHANGING_DAYS = 2
# The sweep may be that much later than a day's end before a reader would miss something.
OPEN_DAYS = CHANGING_DAYS + 1
NOTE = "roll-up#days"
LATE = "late#"  # and the day on which it was noted: the period of cells that name a day to roll up


def changing_days() -> list[str]:
    """Days that are not rolled up at each change, newest first."""
    return _days_before(clock.now(), CHANGING_DAYS)


def open_days() -> list[str]:
    """Days whose cell may lag behind its hours, newest first."""
    return _days_before(clock.now(), OPEN_DAYS)


def roll_up_ended() -> int:
    """Roll up the days that have ended since the last call; returns how many cells were written. Raises Unavailable."""
    last = _days_before(clock.now(), OPEN_DAYS)[-1]
    done = str((notes.get(NOTE) or {}).get("through") or clock.text(clock.parse(last) - timedelta(days=1))[:10])
    written = 0
    while done < last:
        done = clock.text(clock.parse(done) + timedelta(days=1))[:10]
        written += roll_up(done) + _roll_up_late(done)
        notes.put(NOTE, {"through": done})
    return written


def note_late(days: Iterable[str]) -> None:
    """Note days whose expired tasks only their hours have counted; the sweep rolls them up. Raises Unavailable."""
    today = clock.text(clock.now())[:10]
    for day in sorted(days):
        cell = counters.read(f"{LATE}{today}", day)
        if cell.version is None:  # reading costs a fifth of writing, and a day is noted once for many tasks
            with answering("the counters table did not take a write"):
                cell.save(add_version_condition=False)


def late_days() -> set[str]:
    """Days that wait to be rolled up because tasks expired; raises Unavailable."""
    return {str(cell.cell) for day in open_days() for cell in counters.cells(f"{LATE}{day}", consistent=True)}


def _roll_up_late(noted: str) -> int:
    """Roll up what was noted on a day that is over, so that nobody adds to its notes any more."""
    written = 0
    for cell in counters.cells(f"{LATE}{noted}", consistent=True):
        written += roll_up(str(cell.cell))
        with answering("the counters table did not take a write"):
            cell.delete(add_version_condition=False)
    return written


def roll_up(day: str, names: Iterable[str] | None = None) -> int:
    """Bring the cells of a day (`2026-11-22`), all or those of some names, up to its hours; returns how many changed.

    Raises Unavailable.
    """
    counters.connect()
    wanted = None if names is None else set(names)
    written = 0
    while True:
        # The day before its hours: what is counted between the two reads then fails the condition or is rolled up next.
        before = {cell.name: cell for cell in counters.cells(day[:7], day[8:10], consistent=True)}
        now = sums(day, consistent=True)
        lost = set()
        for name in sorted({*before, *now} if wanted is None else wanted):
            cell = before.get(name, CounterCell(day[:7], f"{day[8:10]}#{name}"))
            gained = now.get(name, CounterCell(day, f"#{name}"))
            gained.add(cell, -1)
            if gained.is_empty:
                continue
            if _write(cell, gained):
                written += 1
            else:
                lost.add(name)
        if not lost:
            return written
        wanted = lost


def _write(day: CounterCell, gained: CounterCell) -> bool:
    """Add what a day gained to its cell and to the totals, both or neither; False where somebody else was faster."""
    total = counters.read("totals", f"#{day.name}")
    day.add(gained)
    total.add(gained)
    try:
        with (
            answering("the counters table did not take a write"),
            TransactWrite(connection=CounterCell._get_connection().connection) as transaction,  # noqa: SLF001 - PynamoDB's documented way to a transaction
        ):
            transaction.save(day)
            transaction.save(total)
    except ConditionFailed:
        return False
    if day.version == 1:
        note_month(day.period)
    return True


def note_month(month: str) -> None:
    """Note that a month has days."""
    CounterCell("months", month).save(add_version_condition=False)


def sums(day: str, *, consistent: bool = False) -> dict[str, CounterCell]:
    """What the hours of a day hold together, by task name; raises Unavailable."""
    found: dict[str, CounterCell] = {}
    for cell in counters.cells(day, consistent=consistent):
        found.setdefault(cell.name, CounterCell(day[:7], f"{day[8:10]}#{cell.name}")).add(cell)
    return found


def _days_before(moment: datetime, number: int) -> list[str]:
    return [clock.text(moment - timedelta(days=back))[:10] for back in range(number)]
