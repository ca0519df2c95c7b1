"""One task: `GET /tasks/{task_id}`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from api.access import Caller, Role
from api.arguments import TaskId
from api.pages import item_faces, pictures, rendering, results, timeline, verdicts, waiting
from api.requests import Request
from api.routing import Reply, page
from makertasks import clock, tasks
from makertasks.control import jobs, retrying
from makertasks.monitoring import dead_letters
from makertasks.monitoring import views as task_views
from makertasks.records import table as records
from makertasks.records.model import TaskRecord
from makertasks.records.states import Status

REFRESH_SECONDS = 5
KNOWN = 120  # characters of a digest


class TaskQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the page: `said` is the action that led here, `known` the digest that a live page already shows."""

    said: Annotated[str, msgspec.Meta(max_length=40)] = ""
    known: Annotated[str, msgspec.Meta(max_length=KNOWN)] = ""


@page("GET", "/tasks/{task_id}", Role.VIEWER)
def task_page(task_id: TaskId, caller: Caller, query: TaskQuery, request: Request) -> Reply:
    """Show one task; while it is active, its part of the page is updated live."""
    record = records.get(task_id)
    context = shown(record)
    if rendering.is_update(request) and context["digest"] == query.known:
        return Reply("", 204)
    template = "task_part.html" if rendering.is_update(request) else "task.html"
    return rendering.page(request, caller, template, section="/tasks", said=query.said, **context)


def shown(record: TaskRecord) -> dict[str, Any]:
    """Return the content of a task's page."""
    task = task_views.detail(record)
    kwargs = task["kwargs"] or {}
    reason = waiting.reason(record)
    unchanged = verdicts.nothing_changed(task["result"])
    bars = timeline.waterfall(task["created"], task["attempts"], clock.now(), task["done"], int(record.attempt or 0))
    return {
        "task": task,
        "item": item_faces.of([task]).get(task["id"]),
        "named": item_faces.mentioned([kwargs.get("item_ids"), task["differences"]]),
        "listed": list(dict.fromkeys(kwargs["item_ids"])) if _is_texts(kwargs.get("item_ids")) else [],
        "bars": bars,
        "width": timeline.WIDTH,
        "made": results.made(task["result"]),
        "warnings": results.warnings(task["result"]),
        "is_job": record.name == jobs.TASK,
        # A job's page has its outcomes; its result counts the tasks that it examined.
        "figures": [] if record.name == jobs.TASK else results.figures(task["result"]),
        "lineage": lineage(task),
        "is_active": not record.is_final,
        "is_waiting": record.status in {Status.PENDING, Status.RETRY},
        "is_known": record.name in tasks.discover(),
        "can_retry": can_run(record.name, unchanged=True),
        "can_edit": can_run(record.name),
        "failed": record.status == Status.FAILURE,
        "unchanged": unchanged,
        "undone": verdicts.of_record(record),
        "is_message": bool(record.body),
        "can_send": bool(record.body) and dead_letters.is_readable(record),
        "is_unread": bool(record.body) and retrying.is_waiting(record),
        "fixes_picture": record.name in pictures.TASKS and record.item_id and (record.error_type or unchanged),
        "waited": bars[0].waited if bars else None,
        "reason": reason,
        "digest": f"{digest(record)}-{reason.text if reason else ''}"[:KNOWN],
        "every": REFRESH_SECONDS,
        "body": record.body,
    }


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def can_run(name: str, *, unchanged: bool = False) -> bool:
    """Return whether users may run tasks of that name: its code exists and it is not a system task.

    With `unchanged`, system tasks other than jobs may be retried with the same arguments.
    """
    task = tasks.discover().get(name)
    return task is not None and (not task.system or (unchanged and name != jobs.TASK))


def digest(record: TaskRecord) -> str:
    """Return a digest that changes with the task's progress."""
    progress, again = record.progress or {}, record.retried_to or []
    stopping = "-terminate" if record.terminate else ""
    return f"{record.status}-{record.attempt}-{progress.get('done', '')}-{len(again)}{stopping}"


def lineage(task: Any) -> list[tuple[str, list[str]]]:
    """Return related tasks, by kind of relation."""
    root = task["root_id"] if task["root_id"] not in {task["id"], task["parent_id"], task["retry_of"]} else None
    relations = {
        "Retry of": [task["retry_of"]],
        "Retried as": task["retried_to"],
        "Parent": [task["parent_id"]],
        "Root": [root],
        "Children": [child for child in task["children"] if isinstance(child, str)],
    }
    return [(label, [each for each in ids if each]) for label, ids in relations.items() if any(ids)]
