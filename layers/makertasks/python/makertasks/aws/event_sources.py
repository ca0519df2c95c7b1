"""Event source mappings, which feed a queue's messages to its function. Pausing a queue disables its mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from makertasks.aws import session
from makertasks.aws.errors import asking

Mapping = dict[str, Any]  # as Lambda describes it


def mappings() -> Iterator[tuple[str, Mapping]]:
    """Yield every event source mapping of a queue, with the queue's full name; raises Unavailable.

    They are identified by queue, because a mapping to an alias is not listed under the function's name.
    """
    with asking("the event source mappings could not be listed"):
        for page in session.client("lambda").get_paginator("list_event_source_mappings").paginate():
            for mapping in page["EventSourceMappings"]:
                source = str(mapping.get("EventSourceArn", ""))
                if ":sqs:" in source:
                    yield source.rpartition(":")[2], mapping


def update(mapping: Mapping, **change: Any) -> Mapping:
    """Change a mapping (`Enabled`, `ScalingConfig`) and return it; raises Unavailable."""
    with asking(f"the event source mapping {mapping['UUID']} could not be changed"):
        changed: Mapping = session.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], **change)
    return changed
