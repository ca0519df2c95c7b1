"""Tasks table stream ▶ counters table: counts tasks by hour, day, name and status, and writes CloudWatch metrics.

It also deletes the payloads of deleted records from the bucket, whether a user, a job or expiry deleted the record.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import (
    DynamoDBRecord,
    DynamoDBRecordEventName,
)

from makertasks import logs
from makertasks.aws import json_values
from makertasks.monitoring.counters import counting
from makertasks.records import payloads
from makertasks.worker import metrics

logger = logs.logger()


def change_of(record: DynamoDBRecord) -> counting.Change | None:
    """Return the change of the counts for one stream record; None if it has none."""
    images = record.dynamodb
    if images is None:
        return None
    old, new = json_values.from_decimal(images.old_image or None), json_values.from_decimal(images.new_image or None)
    moment = int(images.approximate_creation_date_time or 0)
    return counting.change_of(str(record.event_id), old, new, moment, expired=is_expiry(record))


def is_expiry(record: DynamoDBRecord) -> bool:
    """Return whether DynamoDB removed the item because its time to live had passed.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
    """
    who = record.user_identity
    return (who.get("type"), who.get("principalId")) == ("Service", "dynamodb.amazonaws.com")


def forget_payloads(record: DynamoDBRecord) -> None:
    """Delete the payloads (large arguments and results) of a task whose record was deleted or has expired."""
    images = record.dynamodb
    if record.event_name is DynamoDBRecordEventName.REMOVE and images is not None and images.old_image:
        payloads.forget(json_values.from_decimal(images.old_image.get("payloads") or {}))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> None:
    """Process one batch of a shard in order. After an exception Lambda delivers it again; changes still count once."""
    records = list(DynamoDBStreamEvent(event).records)
    for record in records:
        forget_payloads(record)
    changes = [change for record in records if (change := change_of(record))]
    written = counting.count(changes)
    metrics.steps(changes)
    logger.info("tasks counted", changes=len(changes), cells=written)
