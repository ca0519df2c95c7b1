"""Lambda function of `makertasks.bulk_action`."""

from __future__ import annotations

from typing import Any

from makertasks.tasks import task
from makertasks.worker.handler import lambda_handler


@task(
    "makertasks.bulk_action",
    system=True,
    max_retries=10,
    example={
        "action": "cleanup",
        "where": {"status": "SUCCESS", "created_to": "2026-01-01T00:00:00.000000Z"},
        "arguments": {"older_than_days": 30},
        "who": "console",
    },
)
def bulk_action(action: str, where: dict[str, Any], arguments: dict[str, Any], who: str) -> dict[str, Any]:
    """Revoke, retry, delete, clean up or purge all tasks that match a filter.

    Reads the tasks table by its indexes; writes what the action says, and the outcome of each task as lines of JSON
    under `jobs/{task id}/`. Answers how many were found and done, and the outcomes counted. Goes on in a next
    invocation where time runs short, and behind the last finished page after a crash; what is done is not done twice.
    Raises InvalidRequest for a job that makes no sense, and TemporaryError or Unavailable where a service refuses.
    """
    from . import running  # loaded on the first run: the API imports this module only to learn the signature

    return running.run(action, where, arguments, who)


handler = lambda_handler(bulk_action)
