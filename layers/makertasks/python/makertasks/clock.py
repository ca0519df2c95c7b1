"""Times as the tables keep them: UTC, ISO 8601 with microseconds and `Z`, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


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
