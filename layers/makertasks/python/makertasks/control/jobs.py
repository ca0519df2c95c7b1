"""Background jobs: one action on every task that matches a filter, with counts, progress and outcomes.

A job is a task of `makertasks.bulk_action`, so it is listed, followed and revoked (with terminate) like any
other. The outcomes are stored in the bucket, at most 100 lines of JSON in each `jobs/{task id}/{part}.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from makertasks import clock, tasks
from makertasks.aws import bucket
from makertasks.errors import InvalidRequest
from makertasks.monitoring.listing import Filter
from makertasks.records.states import ACTIVE, FINAL, Status
from makertasks.submission import producer
from makertasks.submission.producer import Accepted, Submission

TASK = "makertasks.bulk_action"
FOLDER = "jobs/"

# The actions of jobs, and their arguments besides the filter.
ACTIONS: dict[str, frozenset[str]] = {
    "revoke": frozenset({"terminate"}),
    "retry": frozenset(),
    "delete": frozenset(),
    "cleanup": frozenset({"older_than_days"}),
    "purge": frozenset(),
}


def start(action: str, where: Mapping[str, Any], *, who: str, arguments: Mapping[str, Any] | None = None) -> Accepted:
    """Start a job on the existing tasks that match `where` (fields of listing.Filter).

    revoke    unfinished tasks; running ones with `terminate: true`
    retry     finished tasks, each as a new one
    delete    records of finished tasks, and their payloads
    cleanup   the same for tasks created more than `older_than_days` ago; those with SUCCESS if no status is given
    purge     every waiting task of the task or Celery application `name`, and messages in its queue without a record

    Raises InvalidRequest and Unavailable.
    """
    given = dict(arguments or {})
    check(action, where, given)
    wanted = {**where, "created_to": min(str(where.get("created_to") or "9"), clock.text(clock.now()))}
    if action == "cleanup":
        oldest_kept = clock.now() - timedelta(days=float(given["older_than_days"]))
        wanted["created_to"] = min(wanted["created_to"], clock.text(oldest_kept))
        wanted.setdefault("status", Status.SUCCESS.value)
    job = {"action": action, "where": wanted, "arguments": given, "who": who}
    return producer.submit(Submission(TASK, job, requested_by=who))


def check(action: str, where: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raises InvalidRequest for an invalid job."""
    if action not in ACTIONS:
        raise InvalidRequest("action", f"{action!r} is not one of {', '.join(ACTIONS)}")
    known = {field.name for field in fields(Filter)}
    if surplus := where.keys() - known:
        raise InvalidRequest(
            f"where.{min(surplus)}", f"is not a filter of tasks; the filters are {', '.join(sorted(known))}"
        )
    if surplus := arguments.keys() - ACTIONS[action]:
        raise InvalidRequest(f"arguments.{min(surplus)}", f"is not an argument of {action}")
    status = where.get("status")
    if status is not None and status not in set(Status):
        raise InvalidRequest("where.status", f"{status!r} is not one of {', '.join(Status)}")
    if action in {"retry", "delete", "cleanup"} and status in ACTIVE:
        raise InvalidRequest("where.status", f"{action} is for finished tasks; {status} tasks have not finished")
    if action == "revoke" and status in FINAL:
        raise InvalidRequest("where.status", f"{status} tasks have already finished")
    if action == "cleanup" and not _is_number(arguments.get("older_than_days")):
        raise InvalidRequest("arguments.older_than_days", "must be a number of days, 0 or more")
    if action == "purge":
        tasks.served(str(where.get("name") or ""))
        if where.keys() - {"name"}:
            raise InvalidRequest("where", "purge accepts only a task's name; to use other filters, revoke")


def filters_of(action: str, where: Mapping[str, Any]) -> list[Filter]:
    """Yield a job's filters; one without a status is split into the statuses that the action can change."""
    if action == "purge":
        names, waiting = [task.name for task in tasks.served(where["name"])], (Status.PENDING, Status.RETRY)
        return [Filter(**{**where, "name": name, "status": status.value}) for name in names for status in waiting]
    wanted = Filter(**where)
    if wanted.status is not None or action in {"retry", "delete"}:
        return [wanted]
    statuses = [Status.PENDING, Status.RETRY, Status.STARTED]
    return [Filter(**{**asdict(wanted), "status": status.value}) for status in statuses]


def key_of(job_id: str, part: int) -> str:
    """Return the key of a part of a job's outcomes."""
    return f"{FOLDER}{job_id}/{part:06}.jsonl"


def outcomes(job_id: str, parts: int) -> Iterator[dict[str, Any]]:
    """Yield the outcome of each task in order of processing: {id, outcome, detail}.

    `parts` is from the job's result, or from a running job's progress. Raises NotFound and TemporaryError.
    """
    for number in range(parts):
        yield from part(job_id, number)


def part(job_id: str, number: int) -> list[dict[str, Any]]:
    """Return one part of a job's outcomes, counted from 0; raises NotFound and TemporaryError."""
    return [json.loads(line) for line in bucket.get(key_of(job_id, number)).body.splitlines()]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
