"""Background jobs: apply one action to every task that matches a filter; with counts, progress and outcomes."""

from __future__ import annotations

import json
from collections import Counter
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypedDict, cast

import msgspec
from msgspec import Meta

from api import actions, pagination
from api.access import Caller, Role
from api.arguments import A_NAME, A_TASK, Cursor, Limit, TaskId
from api.resources.tasks import TaskFilter
from api.routing import route
from makertasks import wire
from makertasks.control import jobs
from makertasks.errors import NotFound
from makertasks.monitoring import listing
from makertasks.monitoring import views as task_views
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

A_JOB = {
    "id": A_TASK,
    "action": "retry",
    "where": {"status": "FAILURE", "name": A_NAME, "created_to": "2026-11-22T09:30:00.000000Z"},
    "arguments": {},
    "who": "ann",
    "status": "SUCCESS",
    "created": "2026-11-22T09:30:00.000000Z",
    "started": "2026-11-22T09:30:00.210000Z",
    "done": "2026-11-22T09:30:12.455000Z",
    "progress": {"done": 12, "total": 12},
    "found": 12,
    "outcomes": {"RETRIED": 12},
    "parts": 1,
    "error": None,
}

Action = Literal["revoke", "retry", "delete", "cleanup", "purge"]


class JobArguments(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Options, each of one action."""

    terminate: Annotated[bool, Meta(description="revoke: also terminate running tasks")] = False
    older_than_days: Annotated[float, Meta(ge=0, le=3660, description="cleanup: minimum age in days")] | None = None


class JobRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An action and the filter of its tasks."""

    action: Annotated[
        Action, Meta(description="delete and cleanup require the role superuser; purge accepts only `name`")
    ]
    where: TaskFilter
    arguments: JobArguments = msgspec.field(default_factory=JobArguments)


class JobQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query: the page."""

    limit: Limit = 25
    cursor: Cursor | None = None


class OutcomeQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query: the part."""

    part: Annotated[
        int, Meta(ge=0, le=1_000_000, description="The part, from 0; continue until `next_part` is null")
    ] = 0


class Job(TypedDict):
    """A job: its task and its progress."""

    id: str
    action: str
    where: dict[str, Any]
    arguments: dict[str, Any]
    who: str
    status: Status
    created: task_views.Moment
    started: task_views.Moment | None
    done: task_views.Moment | None
    progress: task_views.Progress | None
    found: int
    outcomes: Annotated[dict[str, int], Meta(description="Number of tasks by outcome")]
    parts: int
    error: task_views.TaskError | None


class JobList(TypedDict):
    """A page of jobs, newest first. Without `cursor` it is the last."""

    jobs: list[Job]
    cursor: str | None


class Outcome(TypedDict):
    """The outcome for one task."""

    id: str
    outcome: str
    detail: str


class Outcomes(TypedDict):
    """A part of a job's outcomes, in order of processing; without `next_part` it is the last."""

    outcomes: list[Outcome]
    next_part: int | None


def job_of(record: TaskRecord) -> Job:
    """Return the job that a record of a job's task describes."""
    state = json.loads(record.state) if record.state else {}
    so_far = Counter(state.get("outcomes", {})) + Counter(state.get("unfinished", {}))
    ended = wire.parse_result_meta(record.result)["result"] if record.status == Status.SUCCESS else {}
    error: task_views.TaskError | None = None
    if record.error_type:
        error = {"type": record.error_type, "message": record.error_message, "fingerprint": record.fingerprint}
    return {
        "id": record.task_id,
        "action": str(record.kwargs.get("action", "")),
        "where": dict(record.kwargs.get("where", {})),
        "arguments": dict(record.kwargs.get("arguments", {})),
        "who": str(record.kwargs.get("who", "")),
        "status": Status(record.status),
        "created": record.created,
        "started": record.started,
        "done": record.done,
        "progress": cast("task_views.Progress | None", record.progress),
        "found": int(ended.get("found", state.get("found", 0))),
        "outcomes": dict(ended.get("outcomes", so_far)),
        "parts": int(ended.get("parts", state.get("part", 0) + bool(state.get("unfinished")))),
        "error": error,
    }


def get_record(job_id: str) -> TaskRecord:
    """Return a job's task; raises NotFound for any other task."""
    record = records.get(job_id)
    if record.name != jobs.TASK:
        raise NotFound(f"there is no job {job_id}; GET /v1/jobs lists the existing ones")
    return record


@route(
    "POST",
    "/v1/jobs",
    Role.OPERATOR,
    status=HTTPStatus.ACCEPTED,
    tag="Jobs",
    refusals=(HTTPStatus.NOT_FOUND,),
    body_example={"action": "retry", "where": {"status": "FAILURE", "name": A_NAME}},
    example=A_JOB | {"status": "PENDING", "started": None, "done": None, "progress": None, "found": 0, "outcomes": {}},
)
def start_job(body: JobRequest, caller: Caller) -> Job:
    """Start a job that applies one action to every task that matches the filter now."""
    wanted = {name: value for name, value in msgspec.to_builtins(body.where.filter()).items() if value is not None}
    started = actions.start_job(caller, body.action, wanted, msgspec.to_builtins(body.arguments))
    return job_of(records.get(started["id"]))


@route("GET", "/v1/jobs", Role.VIEWER, tag="Jobs", example={"jobs": [A_JOB], "cursor": None})
def list_jobs(query: JobQuery) -> JobList:
    """List jobs, newest first."""
    found, cursor = pagination.task_page(listing.Filter(name=jobs.TASK), query.limit, query.cursor)
    return {"jobs": [job_of(record) for record in found], "cursor": cursor}


@route("GET", "/v1/jobs/{job_id}", Role.VIEWER, tag="Jobs", example=A_JOB)
def get_job(job_id: TaskId) -> Job:
    """Get a job with its counts and progress."""
    return job_of(get_record(job_id))


@route(
    "GET",
    "/v1/jobs/{job_id}/outcomes",
    Role.VIEWER,
    tag="Jobs",
    example={"outcomes": [{"id": A_TASK, "outcome": "RETRIED", "detail": ""}], "next_part": None},
)
def list_outcomes(job_id: TaskId, query: OutcomeQuery) -> Outcomes:
    """List the outcomes of a job's tasks, part by part, even while the job runs."""
    parts = job_of(get_record(job_id))["parts"]
    if query.part >= parts:
        return {"outcomes": [], "next_part": None}
    found = cast("list[Outcome]", list(jobs.part(job_id, query.part)))
    return {"outcomes": found, "next_part": query.part + 1 if query.part + 1 < parts else None}


@route(
    "POST",
    "/v1/jobs/{job_id}/cancel",
    Role.OPERATOR,
    tag="Jobs",
    refusals=(HTTPStatus.CONFLICT,),
    example=A_JOB | {"status": "REVOKED"},
)
def cancel_job(job_id: TaskId, caller: Caller) -> Job:
    """Cancel a job: it stops before its next task and keeps what it has done."""
    return job_of(records.get(actions.cancel_job(caller, job_id)["id"]))
