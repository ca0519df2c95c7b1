"""The statuses of a task and their transitions.

    (none) ──▶ PENDING ──▶ STARTED ──▶ SUCCESS
                 │  ▲         │  │ ──▶ FAILURE
                 │  └─RETRY◀──┘  └───▶ REVOKED
                 └──▶ FAILURE, REVOKED      (RETRY too)

SUCCESS, FAILURE and REVOKED are final: nothing changes them. The conditions of the writes in `lifecycle` refuse any
other transition.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Celery's statuses, with Celery's meaning."""

    PENDING = "PENDING"  # recorded; its message is in the queue or about to be sent
    STARTED = "STARTED"  # a worker holds it until its lease ends
    RETRY = "RETRY"  # failed with a temporary error; runs again after a delay
    SUCCESS = "SUCCESS"  # done, with a result
    FAILURE = "FAILURE"  # failed, with a reason
    REVOKED = "REVOKED"  # revoked, or expired before it started


FINAL = frozenset({Status.SUCCESS, Status.FAILURE, Status.REVOKED})
ACTIVE = frozenset(Status) - FINAL
WAITING = frozenset({Status.PENDING, Status.RETRY})  # no worker holds the task
