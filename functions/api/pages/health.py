"""Finds current problems for the overview's banner, each with a link to its page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.pages.addresses import address
from api.pages.formats import duration, number
from makertasks.records.model import TaskRecord

# Maximum age of a message in a running queue before it is a problem: functions start within seconds.
WAITS_LONG_SECONDS = 300
# Seconds after the end of its lease at which a task is stuck: its worker is lost, and no other has taken it over.
LOST_SECONDS = 60


@dataclass(frozen=True)
class Trouble:
    """One problem in words, with a link to the page that explains it."""

    text: str
    link: str
    is_grave: bool = True


def troubles(
    failures: int, since: str, queues: Iterable[Any], stuck: Sequence[TaskRecord], messages: int = 0
) -> list[Trouble]:
    """Return current problems.

    `failures` is the number of unacknowledged failures that ended in the last hour, of tasks created since `since`;
    `messages` is the number of dead letters.
    """
    found = []
    if messages:
        found.append(Trouble(counted(messages, "dead letter"), "/messages", is_grave=False))
    if failures:
        link = address("/tasks", {"status": "FAILURE", "created_from": since, "sort": "-done"})
        found.append(Trouble(f"{counted(failures, 'unacknowledged failure')} in the last hour", link))
    if stuck:
        found.append(Trouble(f"{counted(len(stuck), 'task')} stuck: worker lost", "/tasks?status=STARTED&sort=created"))
    for queue in queues:
        link = f"/queues#{queue['name']}"
        waits = queue["oldest_seconds"] or 0
        if queue["state"] == "paused" and (queue["waiting"] or waits):
            text = f"{queue['name']} is paused, {counted(queue['waiting'], 'message')} waiting"
            found.append(Trouble(text, link, is_grave=False))
        elif waits > WAITS_LONG_SECONDS:
            found.append(Trouble(f"{queue['name']}: the oldest message has waited for {duration(waits)}", link))
    return found


def stuck(running: Iterable[TaskRecord], now: datetime) -> list[TaskRecord]:
    """Return the running tasks whose worker is lost: its lease ended more than LOST_SECONDS ago."""
    return [record for record in running if record.lease and float(record.lease) < now.timestamp() - LOST_SECONDS]


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "task"), counted(2, "task")
    ('1 task', '2 tasks')
    """
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"
