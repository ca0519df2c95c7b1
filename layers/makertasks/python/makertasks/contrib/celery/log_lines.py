"""Log lines of an application's tasks, as JSON with the task's id, so that the task's page shows them.

Logging is configured with `app.log`, as in a worker, which sends every signal (`setup_logging`,
`after_setup_logger`, `after_setup_task_logger`). Only the format of Celery's own handlers is replaced. An application
that configures logging itself keeps its configuration, but its lines are then not found by the task's id.
"""

from __future__ import annotations

import logging
from typing import Any

from aws_lambda_powertools.logging.filters import SuppressFilter
from celery.utils.log import ColorFormatter  # type: ignore[import-not-found]  # the application's own

from makertasks import logs

# It logs each success at level INFO, as "task ended" already does.
TRACE = "celery.app.trace"


def set_up(app: Any) -> None:
    """Configure logging as a worker does: from level INFO, with what tasks print at `worker_redirect_stdouts_level`."""
    own = logs.logger()
    app.log.setup(
        own.log_level,
        redirect_stdouts=app.conf.worker_redirect_stdouts,
        redirect_level=app.conf.worker_redirect_stdouts_level,
    )
    logging.getLogger(TRACE).setLevel(logging.WARNING)
    for name in (None, "celery.task"):
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, logging.StreamHandler) and isinstance(handler.formatter, ColorFormatter):
                handler.setStream(getattr(own.registered_handler, "stream", handler.stream))
                handler.setFormatter(own.registered_formatter)
                handler.addFilter(SuppressFilter(own.service))  # makertasks' own lines already have a handler
