"""Statistics of tasks, and failures grouped by cause."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api import actions, arguments
from api.access import Caller, Role
from api.arguments import PLAIN, Moment
from api.routing import route
from makertasks import clock
from makertasks.errors import InvalidRequest
from makertasks.monitoring import failure_groups
from makertasks.monitoring.acknowledgements import NOTE_CHARACTERS, Acknowledgement
from makertasks.monitoring.counters import statistics
from makertasks.monitoring.counters.statistics import Summary
from makertasks.monitoring.failure_groups import Cause, Groups

Note = Annotated[str, Meta(max_length=NOTE_CHARACTERS, description="A note for others")]
Fingerprint = Annotated[
    str,
    Meta(min_length=1, max_length=200, pattern=PLAIN, description="The cause's fingerprint", examples=["0f3a9c1e77d2"]),
]

DEFAULT_RANGE = timedelta(days=1)
LONGEST = statistics.LONGEST

SOME_NUMBERS = {
    "from": "2026-11-21T09:30:00.000000Z",
    "to": "2026-11-22T09:30:00.000000Z",
    "step": "hour",
    "totals": {"SUCCESS": 40, "FAILURE": 1},
    "retried": 2,
    "by_name": [
        {
            "name": "inventory.tasks.generate_qr_code",
            "counts": {"SUCCESS": 40, "FAILURE": 1},
            "total": 41,
            "retried": 2,
            "runtime": {
                "mean": 0.21,
                "p50": 0.19,
                "p95": 0.41,
                "p99": 0.9,
                "count": 41,
                "longest": 0.92,
                "exact": True,
            },
        }
    ],
    "series": [
        {
            "period": "2026-11-22T09",
            "counts": {"SUCCESS": 40, "FAILURE": 1},
            "by_name": {"inventory.tasks.generate_qr_code": {"SUCCESS": 40, "FAILURE": 1}},
        }
    ],
}
AN_ACKNOWLEDGEMENT = {"who": "ann", "when": "2026-11-22T09:00:00.000000Z", "note": "the shop is down", "muted": False}
SOME_FAILURES: dict[str, Any] = {
    "groups": [
        {
            "fingerprint": "0f3a9c1e77d2",
            "name": "inventory.tasks.download_image_from_url",
            "error_type": "DownloadFailed",
            "message": "https://shop.example/drill.jpg answered 404",
            "count": 7,
            "first": "2026-11-21T10:02:11.000000Z",
            "last": "2026-11-22T09:12:40.000000Z",
            "last_task_id": arguments.A_TASK,
            "new": 2,
            "acknowledged": AN_ACKNOWLEDGEMENT,
        }
    ],
    "examined": 7,
    "complete": True,
}
A_CAUSE = {
    "group": SOME_FAILURES["groups"][0],
    "acknowledged": AN_ACKNOWLEDGEMENT,
    "days": {"2026-11-21": 5, "2026-11-22": 2},
    "items": [
        {
            "item_id": "94cb6421-7fa1-4dab-802f-ec76eba2bfe7",
            "item_name": "Cordless drill",
            "count": 7,
            "last": "2026-11-22T09:12:40.000000Z",
            "last_task_id": arguments.A_TASK,
        }
    ],
    "item_count": 1,
    "examined": 7,
    "complete": True,
}


class Range(msgspec.Struct, forbid_unknown_fields=True):
    """A range of times of creation; by default the last day."""

    created_from: Moment | None = None
    created_to: Moment | None = None

    def times(self) -> tuple[datetime, datetime]:
        """Return the start and end of the range; raises InvalidRequest."""
        return times(self.created_from, self.created_to)


class FailureQuery(Range, forbid_unknown_fields=True):
    """Query: the filters, and the number of groups."""

    limit: Annotated[int, Meta(ge=1, le=100, description="Maximum number of groups")] = failure_groups.GROUPS


def times(created_from: str | None, created_to: str | None) -> tuple[datetime, datetime]:
    """Return the start and end of a range, by default the last day; raises InvalidRequest."""
    end = arguments.moment("created_to", created_to) if created_to else clock.now()
    begin = arguments.moment("created_from", created_from) if created_from else end - DEFAULT_RANGE
    if end < begin:
        raise InvalidRequest("created_to", "is before created_from")
    if end - begin > LONGEST:
        raise InvalidRequest(
            "created_from", f"is more than {LONGEST.days} days before created_to; choose a shorter period"
        )
    return begin, end


@route("GET", "/v1/statistics", Role.VIEWER, tag="Statistics", example=SOME_NUMBERS)
def get_statistics(query: Range) -> Summary:
    """Get the number of tasks by status, name and hour of creation, and their runtimes.

    For more than three days, the numbers are by day.
    """
    return statistics.summary(*query.times())


class AcknowledgeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A note, and whether later failures of the same cause are muted."""

    note: Note = ""
    muted: bool = False


@route(
    "POST",
    "/v1/failures/{fingerprint}/acknowledge",
    Role.OPERATOR,
    tag="Statistics",
    body_example={"note": "the shop is down", "muted": False},
    example=AN_ACKNOWLEDGEMENT,
)
def acknowledge_failures(fingerprint: Fingerprint, body: AcknowledgeRequest, caller: Caller) -> Acknowledgement:
    """Acknowledge a cause's failures so far; `muted` covers later ones, too, until it is set to false."""
    return actions.acknowledge(caller, fingerprint, body.note, muted=body.muted)


@route("GET", "/v1/failures", Role.VIEWER, tag="Statistics", example=SOME_FAILURES)
def list_failures(query: FailureQuery) -> Groups:
    """List failures grouped by cause, the most frequent first."""
    return failure_groups.recent(*query.times(), limit=query.limit)


@route("GET", "/v1/failures/{fingerprint}", Role.VIEWER, tag="Statistics", example=A_CAUSE)
def get_failure(fingerprint: Fingerprint, query: Range) -> Cause:
    """Get one cause of failure: its message, failures by day, affected items and acknowledgement."""
    return failure_groups.of_cause(fingerprint, *query.times())
