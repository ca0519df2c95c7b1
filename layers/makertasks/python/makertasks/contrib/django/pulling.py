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

# Seconds of a long poll: a process that follows sends seven requests a minute.
WAIT_SECONDS = 8

# Seconds before a process that follows retries when it cannot reach the queue.
PAUSE_SECONDS = 30


def pull() -> Counter[str]:
    """Apply the messages in the queue until it is empty, and count attributes by outcome.

    A message that cannot be applied now counts as `failed`; it comes back after the queue's visibility time-out. Raises
    Unavailable where the queue does not answer.
    """
    configuration.load()
    outcomes: Counter[str] = Counter()
    while received := queues.receive(queues.SITE_CHANGES):
        for message in received:
            outcomes += _take(message)
    return outcomes


def follow() -> NoReturn:
    """Apply messages as they come, until the process is stopped; log what was applied.

    An error of the queue or the network is logged, and the queue asked again after a pause. Database connections are
    renewed as between two requests of a site, so that a restart of the database does no harm.
    """
    configuration.load()
    while True:
        try:
            received = queues.receive(queues.SITE_CHANGES, WAIT_SECONDS)
        except Unavailable as error:
            logger.warning("the queue of changes cannot be reached, trying again: %s", error)
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
