"""Users' actions, for the dashboard and the JSON API: checks roles and writes audit entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

from api.access import Caller, Role
from api.arguments import full_name
from makertasks import clock, tasks
from makertasks.control import alerting, audit, jobs, pausing, retrying, revoking
from makertasks.control import run_now as starting
from makertasks.control.revoking import Revocation
from makertasks.errors import InvalidRequest, MakertasksError, NotFound, UnknownTask
from makertasks.monitoring import acknowledgements, dead_letters, failure_groups, misspelt, queues, schedules
from makertasks.monitoring import views as task_views
from makertasks.monitoring.acknowledgements import Acknowledgement
from makertasks.monitoring.alerts import Alert, Delivery, Form, Kind
from makertasks.monitoring.counters import statistics
from makertasks.monitoring.listing import Filter
from makertasks.records import lifecycle, payloads
from makertasks.records import table as records
from makertasks.submission import bulk, producer
from makertasks.submission.producer import Accepted, Submission
from makertasks.worker import task_limits

# Seconds for which a bulk call retries throttled writes: API Gateway waits 30 s for the response.
BULK_PATIENCE_SECONDS = 15.0


class Conflict(MakertasksError):
    """The task's state does not permit the action."""


def submit(caller: Caller, wanted: Submission, idempotency_key: str | None = None) -> task_views.TaskDetail:
    """Accept one task and return it."""
    caller.require(Role.OPERATOR)
    own = _own(caller, wanted)
    check_name(own.name)
    return _accepted(producer.submit(own, idempotency_key=idempotency_key))


def submit_many(
    caller: Caller, submissions: Sequence[Submission], idempotency_key: str | None = None
) -> bulk.Submitted:
    """Accept many tasks independently of each other."""
    caller.require(Role.OPERATOR)
    own = [_own(caller, each) for each in submissions]
    for index, submission in enumerate(own):
        task = tasks.discover().get(submission.name)
        if task is not None and task.system:
            raise InvalidRequest(f"tasks[{index}].name", _SYSTEM)
    return bulk.submit_many(
        own, idempotency_key=idempotency_key, requested_by=caller.name, patience=BULK_PATIENCE_SECONDS
    )


def _own(caller: Caller, wanted: Submission) -> Submission:
    """Return the caller's submission, with the task's full name."""
    return replace(wanted, name=full_name(wanted.name), requested_by=caller.name)


def _task(task_id: str) -> task_views.TaskDetail:
    return task_views.detail(records.get(task_id))


def _accepted(accepted: Accepted) -> task_views.TaskDetail:
    """Return the accepted task; it is read from the table only if an earlier call wrote it."""
    return task_views.detail(accepted.record or records.get(accepted.task_id))


def check_name(name: str) -> None:
    """Raise UnknownTask if there is no such task, and InvalidRequest for one that only the system starts."""
    if tasks.find(name).system:
        raise InvalidRequest("name", _SYSTEM)


_SYSTEM = "is started only by the system: POST /v1/jobs starts a job, and an upload starts its own task"


def revoke(caller: Caller, task_id: str, *, terminate: bool = False) -> task_views.TaskDetail:
    """Revoke a task; a running one only with `terminate`, and it stops at its next checkpoint.

    A task without a record (another producer's message is still queued) is recorded as REVOKED. Raises Conflict if
    there is nothing to revoke.
    """
    caller.require(Role.OPERATOR)
    audit.record(caller.name, "terminate" if terminate else "revoke", task_id)
    outcome = revoking.revoke(task_id, terminate=terminate, who=caller.name)
    if outcome is Revocation.ENDED:
        raise Conflict(f"task {task_id} has already finished")
    if outcome is Revocation.RUNNING:
        raise Conflict(f"task {task_id} is already running; terminate it to stop it at its next checkpoint")
    return _task(task_id)


def run_now(caller: Caller, task_id: str) -> task_views.TaskDetail:
    """Start a scheduled task, or a task's next attempt, now."""
    caller.require(Role.OPERATOR)
    audit.record(caller.name, "run now", task_id)
    starting.run_now(task_id)
    return _task(task_id)


def retry(caller: Caller, task_id: str, kwargs: Mapping[str, Any] | None = None) -> task_views.TaskDetail:
    """Submit a finished task again as a new task, optionally with other `kwargs`; return the new task."""
    caller.require(Role.OPERATOR)
    old = records.get(task_id)
    if not old.is_final:
        raise Conflict(f"task {task_id} is {old.status} and has not finished; revoke it first, or wait")
    try:
        task = tasks.find(old.name)
    except UnknownTask as error:
        raise Conflict(f"task {task_id} cannot be retried: {error.reason}") from error
    if task.name == jobs.TASK:
        raise Conflict(f"task {task_id} is a job; POST /v1/jobs starts another one")
    if task.system and kwargs is not None:
        raise InvalidRequest("kwargs", "only the system chooses this task's arguments; retry it without changing them")
    return _accepted(retrying.retry(task_id, kwargs=kwargs, who=caller.name))


def delete(caller: Caller, task_id: str) -> None:
    """Delete a finished task's record and its payloads; raises NotFound, Conflict and StillActive."""
    caller.require(Role.SUPERUSER)
    record = records.get(task_id)
    if not record.is_final:
        raise Conflict(f"task {task_id} is {record.status}; only finished tasks can be deleted: revoke it first")
    audit.record(caller.name, "delete", task_id, name=record.name, status=record.status)
    lifecycle.delete(task_id)
    payloads.forget(record.payloads or {})


def change_limits(caller: Caller, name: str, **limits: Any) -> task_limits.Limits:
    """Set a task's limits, which override those of its definition; None restores them."""
    caller.require(Role.SUPERUSER)
    task_limits.check(name, **limits)
    audit.record(caller.name, "change limits", name, **limits)
    return task_limits.change(name, who=caller.name, **limits)


def start_job(
    caller: Caller, action: str, where: Mapping[str, Any], arguments: Mapping[str, Any] | None = None
) -> task_views.TaskDetail:
    """Start a job that applies one action to every task that matches a filter; return the job's task.

    Deleting requires a superuser. Raises InvalidRequest for an invalid job or a job without a filter.
    """
    caller.require(Role.SUPERUSER if action in {"delete", "cleanup"} else Role.OPERATOR)
    if not where:
        raise InvalidRequest("where", "is empty; a job needs a filter, such as created_from")
    jobs.check(action, where, arguments or {})
    misspelt.refuse_job(Filter(name=where.get("name"), worker=where.get("worker"), q=where.get("q")))
    audit.record(caller.name, f"job: {action}", "tasks", where=dict(where), arguments=dict(arguments or {}))
    return _accepted(jobs.start(action, where, who=caller.name, arguments=arguments))


def cancel_job(caller: Caller, job_id: str) -> task_views.TaskDetail:
    """Stop a job before its next task, without undoing what it has done. Raises NotFound and Conflict."""
    caller.require(Role.OPERATOR)
    if records.get(job_id).name != jobs.TASK:
        raise NotFound(f"there is no job {job_id}")
    return revoke(caller, job_id, terminate=True)


def purge(caller: Caller, queue: str) -> task_views.TaskDetail:
    """Start a job that revokes a queue's waiting tasks and empties the queue; return the job's task."""
    caller.require(Role.OPERATOR)
    name = queues.get(queue)["task"]
    audit.record(caller.name, "purge queue", queue)
    return _accepted(jobs.start("purge", {"name": name}, who=caller.name))


class Redriven(TypedDict):
    """The outcome of a redrive: the new tasks by the old ones' ids, and why other dead letters stay."""

    redriven: dict[str, str]
    refused: dict[str, str]
    complete: bool


def redrive(caller: Caller, queue: str) -> Redriven:
    """Send up to 100 dead letters of a queue again as new tasks; `complete` is false if there may be more."""
    caller.require(Role.OPERATOR)
    queues.get(queue)
    audit.record(caller.name, "redrive queue", queue)
    answer: Redriven = {"redriven": {}, "refused": {}, "complete": True}
    letters, answer["complete"] = dead_letters.not_redriven(queue)
    for letter in letters:
        try:
            answer["redriven"][letter.task_id] = retrying.redrive(letter.task_id, who=caller.name)
        except InvalidRequest as error:
            answer["refused"][letter.task_id] = error.reason
    return answer


def resend(caller: Caller, task_id: str, body: str | None = None) -> task_views.TaskDetail:
    """Send a dead letter again as a new task, unchanged or with another `body`; return the new task."""
    caller.require(Role.OPERATOR)
    audit.record(caller.name, "send message again" if body is None else "edit and send message", task_id)
    if body is None:
        return _task(retrying.redrive(task_id, who=caller.name))
    return _task(retrying.send_edited(task_id, body, who=caller.name))


def discard(caller: Caller, task_id: str) -> None:
    """Discard a dead letter: its record stays, but no longer counts as a dead letter."""
    caller.require(Role.OPERATOR)
    audit.record(caller.name, "discard message", task_id)
    retrying.discard(task_id)


def acknowledge(caller: Caller, fingerprint: str, note: str = "", *, muted: bool = False) -> Acknowledgement:
    """Acknowledge a cause's failures so far or, if `muted`, later ones, too. Raises NotFound for an unknown cause."""
    caller.require(Role.OPERATOR)
    now = clock.now()
    failure_groups.of_cause(fingerprint, now - statistics.LONGEST, now)
    audit.record(caller.name, "mute failures" if muted else "acknowledge failures", fingerprint, note=note)
    return acknowledgements.acknowledge(fingerprint, who=caller.name, note=note, muted=muted)


def put_alert(
    caller: Caller,
    name: str,
    *,
    form: Form,
    address: str | None,
    kinds: list[Kind],
    recoveries: bool,
    new: bool = False,
) -> Alert:
    """Create or change an alert, or only create one if `new`. Webhooks' addresses stay out of the audit log."""
    caller.require(Role.OPERATOR)
    address = (address or "").strip() or None
    stored = alerting.check(name, form=form, address=address, kinds=kinds, new=new)
    shown = alerting.shown_address(form, address) if address else None
    audit.record(
        caller.name, "set alert", name, form=form, to=shown or "unchanged", kinds=list(kinds), recoveries=recoveries
    )
    return alerting.put(name, stored, form=form, address=address, kinds=kinds, recoveries=recoveries, who=caller.name)


def delete_alert(caller: Caller, name: str) -> None:
    """Delete an alert."""
    caller.require(Role.OPERATOR)
    alert = alerting.get(name)
    audit.record(caller.name, "delete alert", name, form=alert["form"], to=alert["address"])
    alerting.delete(name)


def test_alert(caller: Caller, name: str) -> Delivery:
    """Send an alert's test message."""
    caller.require(Role.OPERATOR)
    alerting.get(name)
    audit.record(caller.name, "test alert", name)
    return alerting.test(name)


def pause(caller: Caller, queue: str) -> queues.Queue:
    """Pause a queue: its messages wait until it is resumed."""
    caller.require(Role.OPERATOR)
    queues.get(queue)
    audit.record(caller.name, "pause queue", queue)
    return pausing.pause(queue)


def resume(caller: Caller, queue: str) -> queues.Queue:
    """Resume a paused queue."""
    caller.require(Role.OPERATOR)
    queues.get(queue)
    audit.record(caller.name, "resume queue", queue)
    return pausing.resume(queue)


def set_maximum_concurrency(caller: Caller, queue: str, number: int | None) -> queues.Queue:
    """Set a queue's maximum concurrency."""
    caller.require(Role.SUPERUSER)
    before = queues.get(queue)["maximum_concurrency"]
    pausing.check_concurrency(number)
    audit.record(caller.name, "set maximum concurrency", queue, before=before, after=number)
    return pausing.set_maximum_concurrency(queue, number)


def set_schedule(caller: Caller, name: str, enabled: bool) -> schedules.Schedule:
    """Enable or disable a schedule."""
    caller.require(Role.OPERATOR)
    schedules.get(name)
    audit.record(caller.name, "enable schedule" if enabled else "disable schedule", name)
    return schedules.set_enabled(name, enabled)


def run_schedule(caller: Caller, name: str) -> str:
    """Submit a schedule's task now and return the task's id."""
    caller.require(Role.OPERATOR)
    schedules.get(name)
    audit.record(caller.name, "run schedule", name)
    return schedules.run_now(name, caller.name)
