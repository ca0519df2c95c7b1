"""Exports of tasks that match a filter: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from msgspec import Meta

from api import pagination
from api.access import Role
from api.arguments import Cursor
from api.requests import Request
from api.resources.tasks import TaskFilter
from api.routing import Reply, route
from makertasks.monitoring import listing
from makertasks.monitoring import views as task_views

# Maximum rows and bytes per response: one request has 30 s, and one response of Lambda 6 MB.
MOST_ROWS = 5000
MOST_BYTES = 4_000_000
# Seconds after which a part ends: API Gateway waits 30 s for the response.
MOST_SECONDS = 15.0

COLUMNS = (
    "id", "name", "status", "created", "started", "done", "runtime", "retries", "worker", "queue", "item_id",
    "item_name", "requested_by", "error_type", "error_message", "args", "kwargs", "result",
)  # fmt: skip
MEDIA = {"tasks.csv": "text/csv; charset=utf-8", "tasks.jsonl": "application/jsonl"}

File = Annotated[Literal["tasks.csv", "tasks.jsonl"], Meta(description="The format", examples=["tasks.csv"])]


class ExportQuery(TaskFilter, forbid_unknown_fields=True):
    """Query: the filters, and the part of the export."""

    rows: Annotated[int, Meta(ge=1, le=MOST_ROWS, description="Maximum number of rows of this part")] = MOST_ROWS
    cursor: Cursor | None = None


@route("GET", "/v1/exports/{file}", Role.VIEWER, tag="Tasks", media=("text/csv", "application/jsonl"))
def export_tasks(file: File, query: ExportQuery, request: Request) -> Reply:
    """Export tasks that match a filter as CSV or JSON lines, newest first.

    One response has up to 5,000 rows, or as many as 15 seconds allow. If there are more, its `Link` header has the next
    part (`rel="next"`), which has no header row.
    """
    rows: list[str] = [] if query.cursor or file == "tasks.jsonl" else [_csv(COLUMNS)]
    size, cursor, wanted = 0, query.cursor, query.filter()
    count, ends = 0, time.monotonic() + MOST_SECONDS
    while True:
        limit = min(listing.MAXIMUM_LIMIT, query.rows - count)
        found, cursor = pagination.task_page(wanted, limit, cursor)
        for record in found:
            task = task_views.detail(record, links=False)
            rows.append(_line(task) if file == "tasks.jsonl" else _csv(_cells(task)))
            size += len(rows[-1])
        count += len(found)
        if cursor is None or count >= query.rows or size >= MOST_BYTES or time.monotonic() > ends:
            break
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    if cursor:
        following = urlencode({**request.query, "cursor": cursor})
        headers["Link"] = f'</v1/exports/{file}?{following}>; rel="next"'
    return Reply("".join(rows), content_type=MEDIA[file], headers=headers)


def _line(task: task_views.TaskDetail) -> str:
    return json.dumps(task, ensure_ascii=False) + "\n"


def _cells(task: task_views.TaskDetail) -> Iterator[Any]:
    error = task["error"] or {"type": None, "message": None, "fingerprint": None}
    values: dict[str, Any] = {**task, "error_type": error["type"], "error_message": error["message"]}
    for name in COLUMNS:
        value = values[name]
        yield json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _csv(cells: Iterator[Any] | tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(_harmless(cell) for cell in cells)
    return buffer.getvalue()


def _harmless(cell: Any) -> Any:
    """Return a cell that spreadsheets don't read as a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
