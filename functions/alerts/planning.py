"""Plans which problems an alert reports in this run. Pure: `known` has the alert's claims by the problem's key.

{"since": …, "text": …, "attempts": 1, "tried": …, "told": false}   claimed, and being sent
{…, "told": true}                                                    sent: not sent again until it is resolved
{…, "over": true, "attempts": 1, …}                                  resolved, and the recovery is being sent
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.problems import Problem
from makertasks import clock

# A failed delivery is retried after 4, 8, 16, 32 and 64 minutes, in the next sweep (one every five minutes).
MOST_ATTEMPTS = 6
FIRST_PAUSE = timedelta(minutes=4)

Known = dict[str, dict[str, Any]]


@dataclass
class Plan:
    """The problems to report in this run, and the alert's claims before and after their delivery."""

    told: list[Problem]
    over: list[Problem]
    meanwhile: Known
    afterwards: Known


def plan(
    known: Known, problems: Sequence[Problem], unsure: Collection[str], now: datetime, *, recoveries: bool
) -> Plan:
    """Return the plan; problems of the kinds in `unsure` may still exist if they were not found."""
    made = Plan([], [], {}, {})
    present = {problem.key: problem for problem in problems}
    for key, problem in present.items():
        entry = {name: value for name, value in (known.get(key) or _new(problem, now)).items() if name != "over"}
        if entry["told"] or (key in known and not _is_due(entry, now)):
            made.meanwhile[key] = made.afterwards[key] = entry
            continue
        made.told.append(problem)
        _try(made, key, entry, now)
        made.afterwards[key] = made.meanwhile[key] | {"told": True}
    for key, entry in known.items():
        kind, _, subject = key.partition("#")
        if key in present:
            continue
        if kind in unsure:
            made.meanwhile[key] = made.afterwards[key] = entry
        elif recoveries and entry["told"] and not _is_given_up(entry):
            began = entry if entry.get("over") else entry | {"over": True, "attempts": 0}
            if entry.get("over") and not _is_due(entry, now):
                made.meanwhile[key] = made.afterwards[key] = entry
            else:
                made.over.append(Problem(kind, subject, entry["text"], entry["path"]))  # type: ignore[arg-type]  # stored
                _try(made, key, began, now)
    return made


def _new(problem: Problem, now: datetime) -> dict[str, Any]:
    return {
        "since": clock.text(now), "text": problem.text, "path": problem.path, "attempts": 0, "told": False,
    }  # fmt: skip


def _try(made: Plan, key: str, entry: dict[str, Any], now: datetime) -> None:
    made.meanwhile[key] = entry | {"attempts": int(entry["attempts"]) + 1, "tried": clock.text(now)}


def _is_due(entry: dict[str, Any], now: datetime) -> bool:
    attempts = int(entry["attempts"])
    return attempts < MOST_ATTEMPTS and now - clock.parse(entry["tried"]) >= FIRST_PAUSE * 2 ** (attempts - 1)


def _is_given_up(entry: dict[str, Any]) -> bool:
    return bool(entry.get("over")) and int(entry["attempts"]) >= MOST_ATTEMPTS
