"""Filters with a name that nothing has: an error with the nearest known name instead of an empty list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from makertasks import clock, tasks
from makertasks.errors import InvalidRequest, did_you_mean
from makertasks.monitoring import listing, search
from makertasks.monitoring.counters import statistics
from makertasks.monitoring.listing import Filter
from makertasks.records.states import Status

# How far back names of tasks without code are looked for, in the counters' days.
REMEMBERED = timedelta(days=90)


def refuse(wanted: Filter, *, complete: bool = True) -> None:
    """Raise InvalidRequest if nothing was found because a task, worker, queue or state in the filter is misspelt.

    `complete`: everything was read. Otherwise a name of tasks whose code was removed may still be found, so the
    counters are read before a search is refused.
    """
    names = list(tasks.discover())
    if wanted.name and wanted.name not in names:
        raise InvalidRequest("name", f"there is no task {wanted.name[:200]!r}{did_you_mean(wanted.name, names)}")
    if wanted.worker:
        refuse_worker(wanted.worker)
    for term in search.asked(search.parse(wanted.q)) if wanted.q else ():
        if (found := _mistake(term, names)) and (complete or _mistake(term, _counted(names))):
            raise InvalidRequest("q", found)


def refuse_worker(worker: str) -> None:
    """Raise InvalidRequest for the name of a worker that no task has."""
    function, known = worker.partition("@")[0], tasks.queues()
    if function not in known:
        raise InvalidRequest("worker", f"there is no worker {worker[:200]!r}{did_you_mean(function, known)}")


def refuse_job(wanted: Filter) -> None:
    """Raise InvalidRequest for a misspelt filter that no task matches: a job would do nothing."""
    try:
        refuse(wanted)
    except InvalidRequest:  # tasks outlive the code of their type
        page = listing.page(wanted, limit=1, names=tasks.discover())
        if not page.records:
            refuse(wanted, complete=page.cursor is None)


def _counted(names: Iterable[str]) -> list[str]:
    now = clock.now()
    return [*names, *(entry["name"] for entry in statistics.summary(now - REMEMBERED, now)["by_name"])]


def _mistake(term: search.Term, names: Collection[str]) -> str | None:
    """Return what is wrong with a term: no known name contains its text."""
    short = sorted({name.rpartition(".")[2] for name in names} | set(tasks.queues()))
    text = term.text
    match term.field:
        case "name" if not any(text in name.lower() for name in names):
            return f"no task's name contains {text!r}{did_you_mean(text, short)}"
        case "queue" if not any(text in name.lower() for name in short):
            return f"no queue's name contains {text!r}{did_you_mean(text, short)}"
        case "worker" if not _is_worker(text, short):
            return f"no worker's name contains {text!r}{did_you_mean(text.partition('@')[0], short)}"
        case "state" if text.upper() not in set(Status) and (near := did_you_mean(text.upper(), Status, near=True)):
            return f"no task is in the state {text!r}{near}"
    return None


def _is_worker(text: str, functions: Iterable[str]) -> bool:
    """Return whether the text may be part of a worker's name, `{function}@{hexadecimal digits}`."""
    function, at, _ = text.partition("@")
    if at:
        return any(name.lower().endswith(function) for name in functions)
    return any(function in name.lower() for name in functions) or not set(function) - set("0123456789abcdef")
