"""Workers: `GET /workers` shows each task's function with its last day's totals and its recent environments."""

from __future__ import annotations

from api.access import Caller, Role
from api.pages import rendering
from api.requests import Request
from api.routing import Reply, page
from makertasks.monitoring import workers

REFRESH_SECONDS = 10


@page("GET", "/workers", Role.VIEWER)
def workers_page(caller: Caller, request: Request) -> Reply:
    """Show every worker with its state and totals."""
    template = "workers_part.html" if rendering.is_update(request) else "workers.html"
    return rendering.page(
        request, caller, template, section="/workers", workers=workers.list_workers(), every=REFRESH_SECONDS
    )
