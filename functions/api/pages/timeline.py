"""A task's attempts as a waterfall from its submission to its end: computes positions of bars from times. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from makertasks import clock
from makertasks.monitoring.views import Attempt

# Width of the drawing in its own units.
WIDTH = 1000
# Minimum width of a bar, so that it is visible on a phone.
NARROWEST = 8


@dataclass(frozen=True)
class Bar:
    """One attempt: its waiting time and runtime in seconds, and the positions of its bars in units of `WIDTH`."""

    number: int
    outcome: str
    worker: str
    start: str
    end: str | None
    error: str
    waited: float
    ran: float
    wait_from: int
    run_from: int
    run_width: int


def waterfall(
    created: str, attempts: Sequence[Attempt], now: datetime, done: str | None = None, made: int = 0
) -> list[Bar]:
    """Return a bar for each attempt that has started; a running attempt's bar ends at `now`.

    Records keep only the newest attempts; `made` is the number of all attempts, for numbering the bars.
    """
    begun = [attempt for attempt in attempts if attempt.get("start")]
    if not begun:
        return []
    first = clock.parse(created)
    last = clock.parse(done) if done else max(now, _moment(begun[-1].get("end"), now))
    total = max((last - first).total_seconds(), 0.001)
    bars = []
    waiting_since = first
    for number, attempt in enumerate(begun, max(made - len(begun), 0) + 1):
        began = str(attempt["start"])
        start, end = clock.parse(began), _moment(attempt.get("end"), now)
        run_from = _place(start, first, total)
        bars.append(
            Bar(
                number=number,
                outcome=str(attempt.get("outcome") or "STARTED"),
                worker=str(attempt.get("worker") or ""),
                start=began,
                end=attempt.get("end"),
                error=str(attempt.get("error") or ""),
                waited=max((start - waiting_since).total_seconds(), 0.0),
                ran=max((end - start).total_seconds(), 0.0),
                wait_from=_place(waiting_since, first, total),
                run_from=min(run_from, WIDTH - NARROWEST),
                run_width=max(_place(end, first, total) - run_from, NARROWEST),
            )
        )
        waiting_since = end
    return bars


def _moment(text: str | None, now: datetime) -> datetime:
    return clock.parse(text) if text else now


def _place(moment: datetime, first: datetime, total: float) -> int:
    return max(0, min(WIDTH, round((moment - first).total_seconds() / total * WIDTH)))
