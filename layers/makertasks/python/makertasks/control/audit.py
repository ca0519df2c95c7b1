"""The audit log: an entry in the counters table for each action that affects other users.

    period (partition)   cell (sort)
    audit#2026-11        2026-11-22T09:56:38.123456Z#{random}
    audits               2026-11                              (marks a month that has entries)

An entry is written before its action, so that no action is without one.
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any, TypedDict

from pynamodb.attributes import UnicodeAttribute

from makertasks import clock, masking, settings
from makertasks.aws.dynamodb import JSONMap, Table, answering
from makertasks.errors import InvalidRequest


class Entry(TypedDict):
    """One action. `target` is its object: a task's id, a queue, a schedule."""

    id: str
    when: str
    who: str
    action: str
    target: str
    details: dict[str, Any]


class Page(TypedDict):
    """A page of entries, newest first, and the cursor of the next page, if any."""

    entries: list[Entry]
    cursor: str | None


class AuditEntry(Table):
    """One action as it is stored."""

    period = UnicodeAttribute(hash_key=True)
    cell = UnicodeAttribute(range_key=True)
    who = UnicodeAttribute(null=True)
    action = UnicodeAttribute(null=True)
    target = UnicodeAttribute(null=True)
    details = JSONMap(null=True)


def connect() -> None:
    """Bind the model to the table that the environment names."""
    AuditEntry.bind(settings.counters_table())


def record(who: str, action: str, target: str, **details: Any) -> None:
    """Write an entry; raises Unavailable, in which case the caller must not carry out the action."""
    connect()
    moment = clock.text(clock.now())
    entry = AuditEntry(f"audit#{moment[:7]}", f"{moment}#{secrets.token_hex(4)}")
    entry.who, entry.action, entry.target, entry.details = who, action, masking.text(target), masking.masked(details)
    with answering("the audit entry could not be written"):
        entry.save()
        AuditEntry("audits", moment[:7]).save()


def page(limit: int, cursor: str | None = None) -> Page:
    """Entries, newest first; raises InvalidRequest for an invalid cursor, and Unavailable."""
    connect()
    newest = _read_cursor(cursor) if cursor else "9"
    found: list[AuditEntry] = []
    with answering("the audit log could not be read"):
        months = sorted((month.cell for month in AuditEntry.query("audits")), reverse=True)
        for month in months:
            if len(found) <= limit and month <= newest[:7]:
                wanted = limit + 1 - len(found)
                older = AuditEntry.cell < newest
                found += AuditEntry.query(f"audit#{month}", older, scan_index_forward=False, limit=wanted)
    shown = found[:limit]
    return {
        "entries": [_entry(entry) for entry in shown],
        "cursor": _write_cursor(shown[-1].cell) if len(found) > limit else None,
    }


def _entry(stored: AuditEntry) -> Entry:
    return {
        "id": stored.cell,
        "when": stored.cell.partition("#")[0],
        "who": stored.who or "",
        "action": stored.action or "",
        "target": stored.target or "",
        "details": stored.details or {},
    }


def _write_cursor(cell: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([cell]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        (cell,) = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        clock.parse(str(cell).partition("#")[0])
    except (ValueError, TypeError) as error:
        raise InvalidRequest("cursor", "is not a cursor of this list; use `cursor` of the previous page") from error
    return str(cell)
