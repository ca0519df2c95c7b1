"""Times as the tables keep them: UTC, ISO 8601 with microseconds and `Z`, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def text(moment: datetime) -> str:
    """`2026-11-22T09:56:38.123456Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(value: str) -> datetime:
    """A time from ISO 8601 text, UTC where it names no zone; raises ValueError."""
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def hour(moment_text: str) -> str:
    """The hour of a time's text, `2026-11-22T09`: the width of every time bucket of the tasks table's indexes."""
    return moment_text[:13]
