"""Tasks table stream ▶ counters table: counts tasks by hour, day, name and status, and tells CloudWatch."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from makertasks import counters, jsonvalues, metrics

logger = Logger()


def change_of(record: DynamoDBRecord) -> counters.Change | None:
    """What one stream record changes in the counts."""
    images = record.dynamodb
    if images is None:
        return None
    old, new = jsonvalues.from_decimal(images.old_image or None), jsonvalues.from_decimal(images.new_image or None)
    return counters.change_of(str(record.event_id), old, new)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: Any) -> None:
    """One batch of a shard, in order. After an exception Lambda delivers it again, and it still counts once."""
    changes = [change for record in DynamoDBStreamEvent(event).records if (change := change_of(record))]
    written = counters.count(changes)
    metrics.steps(changes)
    logger.info("tasks counted", changes=len(changes), cells=written)
