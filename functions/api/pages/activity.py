"""The audit log: `GET /activity`."""

from __future__ import annotations

import msgspec

from api.access import Caller, Role
from api.arguments import Cursor
from api.pages import item_faces, rendering, task_rows
from api.requests import Request
from api.routing import Reply, page
from makertasks import tasks
from makertasks.control import audit

ENTRIES = 50


class ActivityQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Query of the list: the page."""

    cursor: Cursor = ""


@page("GET", "/activity", Role.VIEWER)
def activity_page(caller: Caller, query: ActivityQuery, request: Request) -> Reply:
    """Show users' actions, newest first."""
    found = audit.page(ENTRIES, query.cursor or None)
    links = {entry["id"]: link(entry) for entry in found["entries"]}
    targets = [entry["target"] for entry in found["entries"] if links[entry["id"]].startswith("/tasks/")]
    wheres = [entry["details"].get("where") or {} for entry in found["entries"]]
    return rendering.page(
        request,
        caller,
        "activity.html",
        section="",
        links=links,
        about=task_rows.by_id(targets),
        named=item_faces.present(str(where["item_id"]) for where in wheres if where.get("item_id")),
        **found,
    )


def link(entry: audit.Entry) -> str:
    """Return the URL of an action's target, empty if it has no page or was deleted."""
    action, target = entry["action"], entry["target"]
    known = tasks.discover()
    path = ""
    if target in {task.short_name for task in known.values()}:
        path = f"/queues/{rendering.segment(target)}"
    elif target in known:
        path = f"/task-types/{rendering.segment(target)}"
    elif "schedule" in action:
        path = "/schedules"
    elif action.endswith(" alert"):
        path = "/alerts"
    elif action.startswith("job"):
        path = "/jobs"
    elif "failures" in action:
        path = f"/failures/{rendering.segment(target)}"
    elif action != "delete":
        path = f"/tasks/{rendering.segment(target)}"
    return path
