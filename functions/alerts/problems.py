"""The problems that alerts report: unacknowledged causes of failure, queues, schedules, dead letters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

from aws_lambda_powertools import Logger

from makertasks import clock, masking, tasks
from makertasks.errors import MakertasksError, UnknownTask
from makertasks.monitoring import dead_letters, failure_groups, missed_runs, queues, schedules
from makertasks.monitoring.alerts import Kind

# Examine only the newest failures of tasks created in this period: 500 records are about 250 read units.
SPAN = timedelta(days=7)
EXAMINED = 500
MOST_CHARACTERS = 240

logger = Logger(child=True)


@dataclass(frozen=True)
class Problem:
    """One problem. `text` may quote a task or a message, so it is untrusted."""

    kind: Kind
    subject: str
    text: str
    path: str

    @property
    def key(self) -> str:
        """The identity of the problem until it is resolved."""
        return f"{self.kind}#{self.subject}"


@dataclass
class Found:
    """The problems found. A kind in `partial` or `unknown` may have further problems that were not found."""

    problems: list[Problem] = field(default_factory=list)
    partial: set[Kind] = field(default_factory=set)
    unknown: set[Kind] = field(default_factory=set)


def find(kinds: Collection[Kind]) -> Found:
    """Look for problems of these kinds."""
    found = Found()
    for kind in kinds:
        try:
            found.problems += [
                Problem(kind, subject, _plain(text), path) for subject, text, path in _FINDERS[kind](found)
            ]
        except MakertasksError:
            logger.exception("problems could not be checked", kind=kind)
            found.unknown.add(kind)
    return found


Each = Iterator[tuple[str, str, str]]  # subject, text, path of its page


def _new_causes(found: Found) -> Each:
    now = clock.now()
    groups = failure_groups.recent(now - SPAN, now, limit=EXAMINED, examined=EXAMINED)
    if not groups["complete"]:
        found.partial.add("new_cause")
    for group in groups["groups"]:
        if group["new"]:
            task = group["name"].rpartition(".")[2]
            text = ": ".join(filter(None, (task, group["error_type"], group["message"])))
            yield group["fingerprint"], text, f"/failures/{quote(group['fingerprint'], safe='')}"


def _stuck_queues(_: Found) -> Each:
    longest: dict[str, float] = {}
    for name, seconds in queues.waiting_too_long().items():
        queue = _queue_of(name)
        longest[queue] = max(seconds, longest.get(queue, 0))
    for queue, seconds in longest.items():
        text = f"{queue}: the oldest task has waited {round(seconds / 60)} minutes"
        yield queue, text, f"/queues/{quote(queue, safe='')}"


def _queue_of(name: str) -> str:
    try:
        return tasks.find(name).short_name
    except UnknownTask:  # recorded before its code was removed
        return name


def _missed_schedules(_: Found) -> Each:
    """Yield each schedule whose latest due run was missed; a later run on time resolves the problem."""
    now = clock.now()
    for schedule in schedules.list_schedules():
        missed, due = missed_runs.missed(schedule, now), missed_runs.latest(schedule, now)
        if missed and due and missed[-1] == clock.text(due[-1]):
            yield schedule["name"], f"{schedule['name']}: the run of {missed[-1][:16]}Z has not started", "/schedules"


def _dead_letters(_: Found) -> Each:
    for queue, count in sorted(dead_letters.counts().items()):
        text = f"{queue}: {count} dead letter{'s' if count > 1 else ''}"
        yield queue, text, f"/queues/{quote(queue, safe='')}"


_FINDERS: dict[Kind, Callable[[Found], Each]] = {
    "new_cause": _new_causes,
    "queue_stuck": _stuck_queues,
    "schedule_missed": _missed_schedules,
    "dead_letter": _dead_letters,
}


def _plain(text: str) -> str:
    """Return text as one line without secrets, account numbers, control characters and bidirectional overrides."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    safe: str = masking.without_accounts(masking.text(line))
    return safe if len(safe) <= MOST_CHARACTERS else f"{safe[: MOST_CHARACTERS - 1]}…"
