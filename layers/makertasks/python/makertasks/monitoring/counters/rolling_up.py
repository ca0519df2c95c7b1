"""Roll up: sum the cells of hours up into those of days and into the totals.

The stream counts only into cells of hours: one write for a lone task. The sweep updates days and totals when a day is
over; until then `reading` adds the hours itself. A change of an earlier day's task (it is deleted, it ran for long) is
rolled up at once, by the function that counts it. Expired tasks are not: DynamoDB removes them one by one, within days
of their time, so their day is only noted, and the sweep rolls it up once, two days later.

A day's cell is the sum of its hours, and a difference is added to the totals in the same transaction. So rolling up
twice, or concurrently, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pynamodb.transactions import TransactWrite

from makertasks import clock
from makertasks.aws.dynamodb import ConditionFailed, answering
from makertasks.monitoring import snapshot
from makertasks.monitoring.counters import cells as counters
from makertasks.monitoring.counters.cells import CounterCell
from makertasks.records import notes

# Days whose tasks still change often, so that only their hours are counted: today and yesterday, in UTC.
CHANGING_DAYS = 2
# How late the sweep may be after a day's end before readers would miss something.
OPEN_DAYS = CHANGING_DAYS + 1
NOTE = "roll-up#days"
LATE = "late#"  # and the day on which it was noted: the period of cells that name a day to roll up


def changing_days() -> list[str]:
    """Return the days that are not rolled up at each change, newest first."""
    return _days_before(clock.now(), CHANGING_DAYS)


def open_days() -> list[str]:
    """Return the days whose cell may lag behind its hours, newest first."""
    return _days_before(clock.now(), OPEN_DAYS)


def roll_up_ended() -> int:
    """Roll up the days that have ended since the last call; returns the number of written cells. Raises Unavailable."""
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
            with answering("the counters table could not be written"):
                cell.save(add_version_condition=False)


def late_days() -> set[str]:
    """Days that wait to be rolled up because tasks expired; raises Unavailable."""
    return {str(cell.cell) for day in open_days() for cell in counters.cells(f"{LATE}{day}", consistent=True)}


def _roll_up_late(noted: str) -> int:
    """Roll up what was noted on a day that is over, so that nobody adds to its notes any more."""
    written = 0
    for cell in counters.cells(f"{LATE}{noted}", consistent=True):
        written += roll_up(str(cell.cell))
        with answering("the counters table could not be written"):
            cell.delete(add_version_condition=False)
    return written


def roll_up(day: str, names: Iterable[str] | None = None) -> int:
    """Update the cells of a day (`2026-11-22`), all or those of some names, to the sums of its hours.

    Returns the number of changed cells. Raises Unavailable.
    """
    counters.connect()
    wanted = None if names is None else set(names)
    written = 0
    while True:
        # Read the day before its hours: a count between the two reads then fails the condition or is rolled up next.
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
    """Add a day's difference to its cell and to the totals in one transaction; False if another writer was faster."""
    total = counters.read("totals", f"#{day.name}")
    day.add(gained)
    total.add(gained)
    try:
        with (
            answering("the counters table could not be written"),
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
    """Return the sum of a day's hours by task name; raises Unavailable."""
    if consistent:
        return _sums(day, consistent=True)
    return snapshot.once(("sums", day), lambda: _sums(day, consistent=False))


def _sums(day: str, *, consistent: bool) -> dict[str, CounterCell]:
    found: dict[str, CounterCell] = {}
    for cell in counters.cells(day, consistent=consistent):
        found.setdefault(cell.name, CounterCell(day[:7], f"{day[8:10]}#{cell.name}")).add(cell)
    return found


def _days_before(moment: datetime, number: int) -> list[str]:
    return [clock.text(moment - timedelta(days=back))[:10] for back in range(number)]
