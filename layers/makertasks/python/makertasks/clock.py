"""Times as the tables keep them: UTC, ISO 8601 with microseconds and `Z`, so that text order is time order."""

from __future__ import annotations

import re
from datetime import UTC, datetime

# The slowest and the fastest rate limit, as seconds between two starts: one a day, a thousand a second.
LONGEST_INTERVAL, SHORTEST_INTERVAL = 86_400.0, 0.001

_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?:/([smh]))?")
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600}


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def text(moment: datetime) -> str:
    """`2026-11-22T09:56:38.123456Z`."""
    # Not strftime, which writes the year 1 without its zeros.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse(value: str) -> datetime:
    """A time from ISO 8601 text, UTC where it names no zone; raises ValueError."""
    moment = datetime.fromisoformat(value)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:  # the first or last hours of the calendar, in a zone where they are not in UTC
        raise ValueError(f"{value!r} is outside the years 1 to 9999 in UTC") from error


def parsed(value: str | None) -> datetime | None:
    """A time from text that others may have written: None where it is missing or cannot be read."""
    try:
        return parse(value) if value else None
    except ValueError:
        return None


def hour(moment_text: str) -> str:
    """The hour of a time's text, `2026-11-22T09`: the width of every time bucket of the tasks table's indexes."""
    return moment_text[:13]


def interval_of(rate: str) -> float | None:
    """Seconds between two starts at a rate limit in Celery's form; None for 0, which is no limit. Raises ValueError.

    >>> interval_of("10/m"), interval_of("2/s"), interval_of("0")
    (6.0, 0.5, None)
    """
    found = _RATE.fullmatch(rate)
    if found is None:
        raise ValueError(f"{rate!r} is not a rate; write it as '10/m': a number, and s, m or h")
    number = float(found[1])
    if not number:
        return None
    interval = _UNITS[found[2]] / number
    if not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
        raise ValueError(f"{rate!r} is out of range; use a rate from 0.042/h (once a day) to 1000/s, or 0 for no limit")
    return interval
