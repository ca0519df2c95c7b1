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

    Reads the tasks table by its indexes; writes the action's changes, and each task's outcome as a line of JSON under
    `jobs/{task id}/`. Returns the number of tasks found and finished, and counts of the outcomes. Continues in another
    invocation when time runs out, and after the last finished page after a crash; repeating a finished task's action
    changes nothing. Raises InvalidRequest for an invalid job, and TemporaryError or Unavailable if a service fails.
    """
    from . import running  # loaded on the first run: the API imports this module only to learn the signature

    return running.run(action, where, arguments, who)


handler = lambda_handler(bulk_action)
