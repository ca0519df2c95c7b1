"""Pausing a queue and limiting its concurrency, by its event source mapping: messages wait, none is lost.

All functions return the changed queue, and raise NotFound for an unknown one and Unavailable if AWS fails.
"""

from __future__ import annotations

from typing import Any

from makertasks.aws import event_sources
from makertasks.errors import InvalidRequest, NotFound
from makertasks.monitoring import queues
from makertasks.monitoring.queues import Queue

# Lambda's own limits of ScalingConfig.MaximumConcurrency.
MINIMUM_CONCURRENCY, MAXIMUM_CONCURRENCY = 2, 1000


def pause(name: str) -> Queue:
    """Disable a queue's event source mapping. Running tasks finish."""
    return _update(name, Enabled=False)


def resume(name: str) -> Queue:
    """Enable a queue's event source mapping."""
    return _update(name, Enabled=True)


def set_maximum_concurrency(name: str, number: int | None) -> Queue:
    """Set a queue's maximum concurrency; None: as much as Lambda allows.

    Raises InvalidRequest for a number that Lambda does not accept.
    """
    check_concurrency(number)
    return _update(name, ScalingConfig={} if number is None else {"MaximumConcurrency": number})


def check_concurrency(number: int | None) -> None:
    """Raises InvalidRequest for a maximum concurrency that Lambda does not accept."""
    if number is not None and not MINIMUM_CONCURRENCY <= number <= MAXIMUM_CONCURRENCY:
        raise InvalidRequest(
            "maximum_concurrency",
            f"must be between {MINIMUM_CONCURRENCY} and {MAXIMUM_CONCURRENCY}, or null for no limit, not {number}; "
            "to run nothing, pause the queue",
        )


def _update(name: str, **change: Any) -> Queue:
    mapping = queues.mapping_of(name)
    if mapping is None:
        raise NotFound(f"the queue {name} has no event source mapping; deploy the stack again")
    return queues.with_mapping(name, event_sources.update(mapping, **change))
