"""For sites that keep stock Celery as their client: features that Celery does not have over SQS.

    from makertasks.contrib.celery.client import MakertasksControl, use_queue_delays

    app = Celery("config", control=MakertasksControl)   # result.revoke() works
    use_queue_delays()                                  # countdown and eta up to 15 minutes wait in the queue

This module needs the site's own Celery, 5.4 or later. Like every client it reads the stack's configuration from the
environment, or from the file that `makertasks configure` wrote.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from celery.app.control import Control  # type: ignore[import-not-found]  # the site's own
from celery.signals import before_task_publish  # type: ignore[import-not-found]  # the site's own

from makertasks.aws import queues
from makertasks.client import configuration
from makertasks.control import revoking

WHO = "celery client"


class MakertasksControl(Control):  # type: ignore[misc]  # of the site's own Celery
    """Celery's remote control over our records: SQS has no broadcasts, so stock `revoke()` reaches nobody."""

    def revoke(
        self,
        task_id: str | list[str],
        destination: Any = None,  # noqa: ARG002 - Celery's signature; there is one record, not many workers
        terminate: bool = False,
        signal: str = "SIGTERM",  # noqa: ARG002 - as above; a task ends at its next checkpoint
        **options: Any,
    ) -> list[dict[str, Any]] | None:
        """Revoke tasks, even those without a record; returns the outcomes if a reply is requested."""
        configuration.load()
        task_ids = [task_id] if isinstance(task_id, str) else list(task_id)
        answers = {each: str(revoking.revoke(each, terminate=terminate, who=WHO)) for each in task_ids}
        return [{"makertasks": answers}] if options.get("reply") else None


def use_queue_delays() -> None:
    """Let SQS delay messages by up to 15 minutes, instead of a function that forwards them when they are due."""
    before_task_publish.connect(_delay, weak=False, dispatch_uid="makertasks.contrib.celery.client")


def _delay(headers: dict[str, Any] | None = None, properties: dict[str, Any] | None = None, **_rest: Any) -> None:
    eta = (headers or {}).get("eta")
    if not eta or properties is None:
        return
    moment = datetime.fromisoformat(eta)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = math.ceil((moment - datetime.now(UTC)).total_seconds())
    if 0 < seconds <= queues.MAXIMUM_DELAY_SECONDS:  # a function creates a schedule for longer delays at once
        properties["DelaySeconds"] = seconds
