"""Background jobs: `GET /jobs`, and one with its progress and the outcome of each task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api import actions, pagination
from api.access import Caller, Role
from api.arguments import Cursor, TaskId
from api.pages import forms, item_faces, rendering, task_rows, verdicts
from api.pages.addresses import address
from api.requests import Request
from api.resources.jobs import get_record, job_of
from api.routing import Reply, page
from makertasks.control import jobs
from makertasks.monitoring import listing
from makertasks.records.states import ACTIVE

REFRESH_SECONDS = 3
JOBS = 25


class JobsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the list: the page."""

    cursor: Cursor = ""


class JobPageQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of a job's page: the part of its outcomes to show, and the action that led here."""

    part: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    said: Annotated[str, Meta(max_length=40)] = ""
    known: Annotated[str, Meta(max_length=40)] = ""


@page("GET", "/jobs", Role.VIEWER)
def jobs_page(caller: Caller, query: JobsQuery, request: Request) -> Reply:
    """Show jobs, newest first."""
    found, cursor = pagination.task_page(listing.Filter(name=jobs.TASK), JOBS, query.cursor or None)
    shown = [{**(job := job_of(record)), "verdict": verdicts.of_job(job)} for record in found]
    return rendering.page(request, caller, "jobs.html", section="/jobs", jobs=shown, named=named(shown), cursor=cursor)


@page("GET", "/jobs/{job_id}", Role.VIEWER)
def job_page(job_id: TaskId, caller: Caller, query: JobPageQuery, request: Request) -> Reply:
    """Show one job; while it runs, its progress is updated live."""
    job = job_of(get_record(job_id))
    outcomes: list[dict[str, Any]] = (
        list(jobs.part(job_id, query.part or 0)) if (query.part or 0) < job["parts"] else []
    )
    template = "job_part.html" if rendering.is_update(request) else "job.html"
    return rendering.page(
        request,
        caller,
        template,
        section="/jobs",
        job=job,
        outcomes=outcomes,
        about=task_rows.by_id(each["id"] for each in outcomes),
        about_this=about_this,
        named=named([job]),
        is_active=job["status"] in ACTIVE,
        is_cut=query.part is None and job["parts"] > 1,
        part=query.part,
        verdict=verdicts.of_job(job),
        reasons=reasons(outcomes),
        done=sum(job["outcomes"].values()),
        every=REFRESH_SECONDS,
        said=query.said,
    )


def named(shown: Iterable[Mapping[str, Any]]) -> dict[str, item_faces.Shown]:
    """Return the items in jobs' filters."""
    return item_faces.present(str(job["where"]["item_id"]) for job in shown if job["where"].get("item_id"))


def reasons(outcomes: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return the reasons why tasks were skipped, without task ids and the most frequent first, with their counts.

    >>> reasons({"id": i, "outcome": "REFUSED", "detail": f"task {i} has not finished"} for i in "bc")
    [('this task has not finished', 2)]
    """
    said = (about_this(each) or each["outcome"].lower() for each in outcomes if each["outcome"] not in verdicts.DONE)
    return Counter(said).most_common()


def about_this(outcome: Mapping[str, Any]) -> str:
    """Return an outcome's detail without the task's id."""
    detail = forms.without_prefix(str(outcome["detail"] or ""))
    return re.sub(rf"(task )?\b{re.escape(outcome['id'])}\b", "this task", detail)


@page("POST", "/jobs/{job_id}/cancel", Role.OPERATOR)
def cancel(job_id: TaskId, caller: Caller) -> Reply:
    """Cancel the job, without undoing what it has done."""
    actions.cancel_job(caller, job_id)
    return Reply.redirect(address(f"/jobs/{rendering.segment(job_id)}", said="cancelled"))
