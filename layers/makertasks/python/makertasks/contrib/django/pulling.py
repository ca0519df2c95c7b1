"""Receives changes from the stack's queue, until it is empty or until the process is stopped."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import NoReturn

from django.db import DatabaseError, close_old_connections

from makertasks.aws import queues
from makertasks.client import configuration
from makertasks.contrib.django import applying
from makertasks.errors import MakertasksError, Unavailable
from makertasks.inventory import site_changes

logger = logging.getLogger(__name__)

# Duration of a long poll in seconds: a process that follows sends seven requests a minute.
WAIT_SECONDS = 8

# Seconds before a process that follows retries when it cannot reach the queue.
PAUSE_SECONDS = 30


def pull() -> Counter[str]:
    """Apply the messages in the queue until it is empty, and count attributes by outcome.

    A message that cannot be applied now counts as `failed`; the queue delivers it again after its visibility time-out.
    Raises Unavailable if the queue does not respond.
    """
    configuration.load()
    outcomes: Counter[str] = Counter()
    while received := queues.receive(queues.SITE_CHANGES):
        for message in received:
            outcomes += _take(message)
    return outcomes


def follow() -> NoReturn:
    """Apply messages as they arrive, until the process is stopped; log what was applied.

    Errors of the queue or the network are logged, and the queue is read again after a pause. Database connections are
    renewed as between a site's requests, so that the process survives a restart of the database.
    """
    configuration.load()
    while True:
        try:
            received = queues.receive(queues.SITE_CHANGES, WAIT_SECONDS)
        except Unavailable as error:
            logger.warning("the queue of changes cannot be reached, retrying: %s", error)
            time.sleep(PAUSE_SECONDS)
            continue
        close_old_connections()
        for message in received:
            logger.info("changes %s: %s", message.message_id, dict(_take(message)))


def _take(message: queues.Received) -> Counter[str]:
    try:
        outcomes = applying.apply(site_changes.decode(message.body))
    except (MakertasksError, DatabaseError, OSError, ValueError, OverflowError) as error:
        logger.error("changes %s could not be applied and will be received again: %s", message.message_id, error)  # noqa: TRY400 - the reason is enough
        return Counter({"failed": 1})
    queues.delete(queues.SITE_CHANGES, message.receipt_handle)
    return outcomes
