"""Dead-letter queue ▶ tasks table: a message that could not be read or recorded becomes a FAILURE record.

The record keeps the message's body, so it shows up in lists and counts and can be sent again after mending.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from makertasks import logs
from makertasks.aws import queues
from makertasks.worker import dead_letters

logger = logs.logger()
processor = BatchProcessor(
    event_type=EventType.SQS,
    logger=cast("logging.Logger", logger),  # Powertools' logger has what the processor calls
    raise_on_entire_batch_failure=False,
)


def record_dead_letter(record: SQSRecord) -> None:
    """One dead message becomes one FAILURE record; where the table refuses, the message stays where it is."""
    sent = datetime.fromtimestamp(int(record.attributes.sent_timestamp) / 1000, UTC)
    source = record.attributes.dead_letter_queue_source_arn or ""  # SQS says which queue gave the message up
    queue = source.rpartition(":")[2].removeprefix(queues.name_of(""))
    task_id = dead_letters.record(record.body, message_id=record.message_id, queue=queue, sent=sent)
    logger.error("dead letter recorded", task_id=task_id, queue=queue)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    """A batch of dead messages."""
    return process_partial_response(event, record_dead_letter, processor, context)
