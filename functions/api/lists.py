"""Lists a page at a time, for pages and JSON alike. Cursors are sealed: one query's leads to no other."""

from __future__ import annotations

import json
from dataclasses import asdict

from makertasks import tasks
from makertasks.control import audit
from makertasks.errors import InvalidRequest
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.monitoring import listing, signed_cursors
from makertasks.records.model import TaskRecord


def task_page(
    wanted: listing.Filter, limit: int = listing.DEFAULT_LIMIT, cursor: str | None = None
) -> tuple[list[TaskRecord], str | None]:
    """Tasks, newest first, and the next page's cursor; raises InvalidRequest or Unavailable."""
    purpose = f"tasks {json.dumps(asdict(wanted), sort_keys=True)}"
    page = listing.page(wanted, limit=limit, cursor=_open(purpose, cursor), names=tasks.discover())
    return page.records, _seal(purpose, page.cursor)


def item_page(prefix: str = "", limit: int = 50, cursor: str | None = None) -> tuple[list[Item], str | None]:
    """Items by name, and the next page's cursor; raises InvalidRequest or Unavailable."""
    purpose = f"items {prefix}"
    found, following = inventory.list_items(limit, _open(purpose, cursor), prefix)
    return found, _seal(purpose, following)


def audit_page(limit: int = 50, cursor: str | None = None) -> audit.Page:
    """Audit entries, newest first, and the next page's cursor; raises InvalidRequest or Unavailable."""
    page = audit.page(limit, _open("audit", cursor))
    return {"entries": page["entries"], "cursor": _seal("audit", page["cursor"])}


def _seal(purpose: str, cursor: str | None) -> str | None:
    return signed_cursors.seal(purpose, cursor) if cursor else None


def _open(purpose: str, cursor: str | None) -> str | None:
    try:
        return signed_cursors.unseal(purpose, cursor) if cursor else None
    except signed_cursors.BrokenSeal as error:
        raise InvalidRequest(
            "cursor", "belongs to another query or is not one of ours; begin again without it when the filters change"
        ) from error
