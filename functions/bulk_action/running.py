"""Runs a job page by page; each page's outcomes are in the bucket before the next page starts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from makertasks.aws import bucket
from makertasks.context import Context, Continue, current
from makertasks.control import jobs
from makertasks.errors import TemporaryError, Unavailable
from makertasks.monitoring import listing
from makertasks.records.model import TaskRecord
from makertasks.worker.attempt import LostClaim

from . import actions, draining
from .actions import Done

# With fewer seconds left, the job continues in another invocation: a page of 100 tasks takes a few seconds.
MARGIN_SECONDS = 20.0
# Maximum number of tasks counted beforehand; a job that finds more says "at least".
COUNTED = 10_000


@dataclass
class Tally:
    """A job's progress; JSON, so that another invocation can continue it."""

    found: int = 0
    complete: bool = True  # whether `found` counts every matching task
    counted: bool = False
    step: int = 0  # index of the job's current filter
    cursor: str | None = None
    part: int = 0
    done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    unfinished: dict[str, int] = field(default_factory=dict)  # outcomes of a page that an error interrupted


def run(action: str, where: dict[str, Any], arguments: dict[str, Any], who: str) -> dict[str, Any]:
    """Do the whole job; raises Continue when time runs out."""
    jobs.check(action, {name: value for name, value in where.items() if name != "created_to"}, arguments)
    context = current()
    tally = Tally(**context.state)
    filters = jobs.filters_of(action, where)
    if not tally.counted:
        _count(filters, tally)
        context.save(asdict(tally))
    act = actions.action(action, arguments, who, context.task_id)
    while tally.step < len(filters):
        page = listing.page(filters[tally.step], limit=listing.MAXIMUM_LIMIT, cursor=tally.cursor)
        _finish_page(context, tally, [record for record in page.records if record.name != jobs.TASK], act)
        tally.cursor = page.cursor
        if page.cursor is None:
            tally.step += 1
        _pause(context, tally)
    if action == "purge":
        draining.drain(where["name"], who, lambda done: _finish_drained(context, tally, done))
    return {
        "action": action,
        "found": max(tally.found, tally.done),
        "done": tally.done,
        "outcomes": tally.outcomes,
        "parts": tally.part,
        "key": f"{jobs.FOLDER}{context.task_id}/",
    }


def _count(filters: list[listing.Filter], tally: Tally) -> None:
    """Count the tasks that match the job's filters, up to about `COUNTED`."""
    for wanted in filters:
        cursor: str | None = None
        while tally.complete:
            page = listing.page(wanted, limit=listing.MAXIMUM_LIMIT, cursor=cursor)
            tally.found += sum(record.name != jobs.TASK for record in page.records)
            cursor, tally.complete = page.cursor, tally.found < COUNTED
            if cursor is None:
                break
    tally.counted = True


def _finish_page(context: Context, tally: Tally, records: list[TaskRecord], act: Callable[[TaskRecord], Done]) -> None:
    """Act on each task of a page that an earlier attempt has not finished."""
    if not records:
        return
    finished = _finished_before(context, tally)
    known = {done.id for done in finished}
    try:
        for record in records:
            if record.task_id in known:
                continue
            finished.append(act(record))
            context.checkpoint(tally.done + len(finished), max(tally.found, tally.done + len(finished) + 1))
    except LostClaim:
        raise  # another worker runs the job and records its outcomes
    except (TemporaryError, Unavailable, TimeoutError, ConnectionError):  # these are retried
        _put(context, tally, finished)
        context.save(asdict(replace(tally, unfinished=Counter(done.outcome for done in finished))))
        raise
    except BaseException:
        _write(context, tally, finished)
        context.save(asdict(tally))  # however a job ends, its page shows what it has done
        raise
    _write(context, tally, finished)


def _finished_before(context: Context, tally: Tally) -> list[Done]:
    """Return the outcomes that an earlier attempt wrote for this page."""
    key = jobs.key_of(context.task_id, tally.part)
    if context.attempt == 1 or not bucket.version(key).etag:
        return []
    return [Done(**line) for line in jobs.part(context.task_id, tally.part)]


def _finish_drained(context: Context, tally: Tally, done: list[Done]) -> None:
    _write(context, tally, done)
    context.checkpoint(tally.done, max(tally.found, tally.done))
    _pause(context, tally)


def _write(context: Context, tally: Tally, done: list[Done]) -> None:
    _put(context, tally, done)
    tally.part += 1
    tally.done += len(done)
    tally.outcomes = dict(Counter(tally.outcomes) + Counter(each.outcome for each in done))
    tally.unfinished = {}


def _put(context: Context, tally: Tally, done: list[Done]) -> None:
    body = "".join(f"{json.dumps(asdict(each))}\n" for each in done)
    bucket.put(jobs.key_of(context.task_id, tally.part), body.encode(), "application/x-ndjson")


def _pause(context: Context, tally: Tally) -> None:
    """Record the progress; continue in another invocation if time runs out."""
    if context.remaining() < MARGIN_SECONDS:
        raise Continue(asdict(tally))
    context.save(asdict(tally))
