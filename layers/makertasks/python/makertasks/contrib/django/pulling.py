"""Takes changes from the stack's queue: what is there, or for as long as the process lives."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from django.db import DatabaseError

from makertasks.aws import queues
from makertasks.client import configuration
from makertasks.contrib.django import applying
from makertasks.errors import MakertasksError
from makertasks.inventory import site_changes

logger = logging.getLogger(__name__)

# A long poll, in seconds; a process that follows asks seven times a minute.
WAIT_SECONDS = 8


def pull(*, follow: bool = False, go_on: Callable[[], bool] = lambda: True) -> Counter[str]:
    """Apply what waits in the queue, oldest first as far as SQS keeps the order; counts attributes by outcome.

    A message that cannot be applied now comes back by itself after the queue's visibility time-out: it counts as
    `failed`. `follow` waits for more until `go_on` says no. Raises Unavailable where the queue does not answer.
    """
    configuration.load()
    outcomes: Counter[str] = Counter()
    while go_on():
        received = queues.receive(queues.SITE_CHANGES, WAIT_SECONDS if follow else 1)
        if not received and not follow:
            break
        for message in received:
            outcomes += _take(message)
    return outcomes


def _take(message: queues.Received) -> Counter[str]:
    try:
        outcomes = applying.apply(site_changes.decode(message.body))
    except (MakertasksError, DatabaseError, OSError, ValueError) as error:
        logger.error("changes %s were not applied, and come again: %s", message.message_id, error)  # noqa: TRY400 - the reason is enough
        return Counter({"failed": 1})
    queues.delete(queues.SITE_CHANGES, message.receipt_handle)
    return outcomes
